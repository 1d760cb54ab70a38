// The limits of the REST layer, in one place. net/ bounds headers and bodies before these are looked at.
#pragma once

#include <cstddef>

namespace tapewarden::admin {

inline constexpr std::size_t kMaximumRequestsInFlight = 256;  // beyond it: 503 at once
inline constexpr std::size_t kMaximumTextField = 4096;        // bytes, unless the field says otherwise
inline constexpr std::size_t kMaximumListItems = 10'000;
inline constexpr std::size_t kMaximumJsonDepth = 8;
inline constexpr std::size_t kMaximumFileField = 3U << 20;  // bytes of base64 or text of a file
inline constexpr std::size_t kMaximumAnswerText = 256;      // of outside text repeated in an error

}  // namespace tapewarden::admin
