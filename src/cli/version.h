// The version that every program of the project tells.
#pragma once

#include <string_view>

namespace tapewarden::cli {

inline constexpr std::string_view kVersion = TAPEWARDEN_VERSION;

}  // namespace tapewarden::cli
