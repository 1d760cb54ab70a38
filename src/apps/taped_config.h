// The tape engine's configuration file (TOML): the iSCSI target, the library, what stands behind it, the log.
// Read once at start and never written by the program. Values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/engine_config.h"
#include "apps/engine_store.h"
#include "base/env.h"
#include "iscsi/server.h"
#include "tape/library/library_spec.h"

namespace tapewarden::apps {

// A CHAP account whose secret lies in a file.
struct ChapFile {
  std::string user;
  std::string secret_file;  // path
};

// How hosts of one partition log in: [iscsi.NAME]. What is empty is as in [iscsi].
struct PartitionLogin {
  std::string partition;
  std::optional<ChapFile> initiator{};
  std::optional<ChapFile> engine{};
  std::vector<std::string> initiators{};
};

struct IscsiConfig {
  std::string section = "iscsi";  // for errors
  std::string address = "127.0.0.1";
  std::uint16_t port = iscsi::kDefaultPort;
  std::string target;
  std::optional<ChapFile> initiator{};  // who may log in; none: anybody
  std::optional<ChapFile> engine{};     // how this side proves itself
  std::vector<std::string> initiators{};
  bool unprotected_network = false;
  unsigned max_sessions = iscsi::Limits{}.max_sessions;
  std::vector<PartitionLogin> partitions{};  // that have a login of their own
};

// REST for operators; without its section there is none.
struct HttpsConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 2443;
  std::string certificate;  // paths
  std::string key;
  std::string authorities;
  EngineStorePlace store;
};

// A disk in memory for trying an initiator out (scsi/ram_disk.h), as LUN 0 of a target of its own.
struct RamDiskConfig {
  std::string target;
  std::uint64_t blocks = 0;
};

// Who every drive of the library says that it is; empty: what DriveOptions has.
struct DrivesConfig {
  std::string vendor;
  std::string product;
  std::string revision;
  std::uint8_t density = 0;  // of LTO drives
};

// Paths are absolute after reading: relative ones count from the configuration file's folder.
struct TapedConfig {
  IscsiConfig iscsi{};
  tape::LibrarySpec library{};
  DrivesConfig drives{};
  std::optional<RamDiskConfig> ram_disk{};
  std::optional<HttpsConfig> https{};
  std::optional<TapeEngineConfig> engine{};  // none: the library's cartridges are files of its folder
  std::string log_level = "info";
};

// kNotFound, kIo; kInvalidArgument naming section and key, with what to write.
Result<TapedConfig> read_taped_config(Disk& disk, const std::string& path);

// The target of a partition: the library's name, a period, the partition's in small letters.
std::string target_name(const IscsiConfig& config, const std::string& partition);
// The configuration as it counts for hosts of that partition.
IscsiConfig login_of(const IscsiConfig& config, const std::string& partition);

// The accounts with their secrets read. kInvalidArgument naming the key when a secret is too short or too
// long; kNotFound, kIo.
Result<iscsi::Authentication> read_authentication(Disk& disk, const IscsiConfig& config);

}  // namespace tapewarden::apps
