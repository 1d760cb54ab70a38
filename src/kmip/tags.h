// The tags of KMIP, kActivationDate and so on, with the values of tag_list.inc. Constants.
#pragma once

#include "ttlv/item.h"

namespace tapewarden::kmip::tag {

#define TW_KMIP_TAG(name, value) inline constexpr ttlv::Tag k##name{value};
#include "kmip/tag_list.inc"
#undef TW_KMIP_TAG

}  // namespace tapewarden::kmip::tag
