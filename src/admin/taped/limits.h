// The limits of the engine's REST routes in one place.
#pragma once

#include <chrono>
#include <cstddef>

namespace tapewarden::admin {

inline constexpr std::size_t kMaximumCartridgePage = 1000;
inline constexpr std::size_t kCartridgePage = 100;          // unless asked otherwise
inline constexpr std::size_t kMaximumNewCartridges = 1000;  // made by one call
inline constexpr std::size_t kCartridgesAtOnce = 16;        // between which hosts' moves get their turn
inline constexpr std::size_t kEnginePage = 100;             // unless asked otherwise
inline constexpr std::size_t kMaximumEnginePage = 1000;
inline constexpr std::size_t kMaximumReport = 3U << 20;          // bytes of one in a single answer
inline constexpr std::size_t kReportPart = 256U << 10;           // bytes, and the piece that went over it
inline constexpr std::size_t kMaximumMeteredSessions = 4096;     // of one unit
inline constexpr std::chrono::milliseconds kDrivePatience{250};  // for a drive at work for a host

}  // namespace tapewarden::admin
