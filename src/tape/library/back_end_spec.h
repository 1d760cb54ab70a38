// The libraries behind the tape engine, as [[engine.back_end]] of taped.toml names them: a virtual library in
// the engine's own process, or a real one that is reached over iSCSI or by Linux' SCSI devices. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/toml_file.h"
#include "tape/library/library_spec.h"

namespace tapewarden::tape {

enum class BackEndKind : std::uint8_t { kVirtual, kIscsi, kScsi };
std::string_view to_string(BackEndKind kind);  // "virtual", "iscsi", "scsi"

// A drive outside of this process.
struct OutsideDrive {
  std::string serial;
  std::string device;  // iscsi://… or /dev/sgN
  // Of its data transfer element, for a library that does not tell which drive stands where.
  std::optional<std::uint16_t> element{};
  bool operator==(const OutsideDrive&) const = default;
};

struct BackEndSpec {
  std::string section;  // "engine.back_end[1]", for errors
  std::string name;     // among the libraries of the engine
  BackEndKind kind = BackEndKind::kVirtual;
  LibrarySpec library{};                // kVirtual
  std::uint64_t cartridge_bytes = 0;    // kVirtual: capacity of new cartridges
  MediumKind media = MediumKind::kLto;  // the others: what their drives take
  std::string changer{};                // the others: iscsi://… or /dev/sgN
  std::vector<OutsideDrive> drives{};   // the others
  std::string initiator{};              // kIscsi: this side's name; empty: the usual one
  std::string secret_file{};            // kIscsi: CHAP password of the user in the URLs; empty: none

  std::vector<std::string> serials() const;
};

inline constexpr std::uint64_t kDefaultBackEndCartridge = 18'000'000'000'000;  // bytes, LTO-9
inline constexpr std::uint64_t kSmallestBackEndCartridge = 16'000'000;

// [[engine.back_end]] of the section [engine]. kInvalidArgument naming the key: also when two libraries have
// the same name or folder, or two drives the same serial.
Result<std::vector<BackEndSpec>> read_back_ends(config::Section& engine);

}  // namespace tapewarden::tape
