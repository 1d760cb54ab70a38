// What this program takes of a KMIP message at most. Where the Tape Library profile asks for more than a
// server must have, its figures stand here (KMIP Profiles 1.4 section 5.7, 2.1 section 5.12).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::kmip {

inline constexpr std::size_t kMaximumMessageBytes = 1U << 20;
inline constexpr std::int32_t kMaximumBatchItems = 64;       // the profile: 32
inline constexpr std::size_t kMaximumAttributeName = 256;    // bytes; the profile: 64
inline constexpr std::size_t kMaximumTextBytes = 4096;       // of one text; the profile: 256
inline constexpr std::size_t kMaximumAttributeValues = 256;  // of one object; the profile: 30 of its own
inline constexpr std::size_t kMaximumObjectBytes = 64U << 10;
inline constexpr std::size_t kMaximumAttributeBytes = 512U << 10;  // of one object, all together

}  // namespace tapewarden::kmip
