// TTLV tags of the values in eedk/. The range 5401xx belongs to this component, 5400xx to dkx/.
#pragma once

#include "ttlv/item.h"

namespace tapewarden::eedk {

inline constexpr ttlv::Tag kTagEedk{0x540101};
inline constexpr ttlv::Tag kTagVersion{0x540102};
inline constexpr ttlv::Tag kTagWrapAlgorithm{0x540103};
inline constexpr ttlv::Tag kTagLabel{0x540104};
inline constexpr ttlv::Tag kTagLabelHash{0x540105};
inline constexpr ttlv::Tag kTagWrappedKey{0x540106};
inline constexpr ttlv::Tag kTagEedkSet{0x540107};
inline constexpr ttlv::Tag kTagSealedContent{0x540108};
inline constexpr ttlv::Tag kTagVolume{0x540109};
inline constexpr ttlv::Tag kTagKeyCheckValue{0x54010A};
inline constexpr ttlv::Tag kTagSealServer{0x54010B};
inline constexpr ttlv::Tag kTagSealCertificate{0x54010C};
inline constexpr ttlv::Tag kTagSealSignature{0x54010D};
inline constexpr ttlv::Tag kTagSedk{0x54010E};
inline constexpr ttlv::Tag kTagSeal{0x54010F};

// For error texts; empty for any other tag.
std::string_view tag_name(ttlv::Tag tag);

}  // namespace tapewarden::eedk
