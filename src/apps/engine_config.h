// [engine] of taped.toml: what makes the virtual library of [library] a tape engine: a catalogue, a cache,
// the libraries and drives behind it, and whom it tells what happens. Values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/reclaim_windows.h"
#include "net/syslog.h"
#include "tape/library/back_end_spec.h"

namespace tapewarden::apps {

// Where notices are posted as JSON, over TLS.
struct WebhookConfig {
  std::string host;
  std::uint16_t port = 443;
  std::string target = "/";  // path and query
  std::string authorities;   // path: whose certificates it may have
  bool operator==(const WebhookConfig&) const = default;
};

struct TapeEngineConfig {
  std::string data;   // folder: catalogue.db, engine-id
  std::string cache;  // folder
  std::uint64_t cache_bytes = 0;
  std::uint64_t volume_bytes = 0;             // capacity of logical volumes, unless another is given
  std::string key_servers;                    // path of engine.toml; empty: nothing can be encrypted
  std::size_t minimum_encrypting_drives = 0;  // fewer raise an intervention (T9)
  // At the end of each cartridge, for a backup of the catalogue (T4); of a small virtual one no more than a
  // small part.
  std::uint64_t reserve_bytes = 0;
  bool bulk_requests = true;  // hosts may ask for reports by writing on a volume (T10)
  engine::ReclaimSchedule reclaim{};
  std::optional<WebhookConfig> webhook{};
  std::optional<net::SyslogTarget> syslog{};
  std::vector<tape::BackEndSpec> back_ends{};

  std::string catalogue_path() const { return data + "/catalogue.db"; }
  std::string id_path() const { return data + "/engine-id"; }
};

inline constexpr std::uint64_t kSmallestCache = 1'000'000'000;
inline constexpr std::uint64_t kLargestCache = 1ULL << 56;
inline constexpr std::uint64_t kSmallestReserve = 1'000'000;
inline constexpr std::uint64_t kLargestReserve = 64'000'000'000;  // a small part of any cartridge
inline constexpr std::uint64_t kDefaultReserve = 256U << 20;

// Nothing when the section is missing. kInvalidArgument naming the key, also where [library] and the back end
// have a folder or a drive's serial in common.
Result<std::optional<TapeEngineConfig>> read_tape_engine(config::Section section,
                                                         const tape::LibrarySpec& library);

// "https://HOST[:PORT]/PATH". kInvalidArgument.
Result<WebhookConfig> parse_webhook(std::string_view url);

}  // namespace tapewarden::apps
