// What an import of an old installation did, or would do, thing by thing. A value; collected by one thread.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace tapewarden::keymgr {

enum class MigrationSection : std::uint8_t {
  kKeystore = 1,
  kKeyGroups = 2,
  kDrives = 3,
  kProperties = 4,
  kMetadata = 5
};
std::string_view to_string(MigrationSection section);  // "keystore", "key-groups", "drive-table" …

enum class MigrationOutcome : std::uint8_t {
  kAdded = 1,     // came, or would come
  kSame = 2,      // was here already
  kKeptBoth = 3,  // came beside another of the same name
  kLeftOut = 4,   // did not come; the remark says why and what to do
};
std::string_view to_string(MigrationOutcome outcome);  // "added", "same", "kept-both", "left-out"

struct MigrationLine {
  MigrationSection section = MigrationSection::kKeystore;
  std::string name;  // printable
  MigrationOutcome outcome = MigrationOutcome::kAdded;
  std::string remark;
};

inline constexpr std::size_t kMaximumMigrationLines = 50'000;  // more are only counted

class MigrationReport {
 public:
  void add(MigrationSection section, std::string_view name, MigrationOutcome outcome,
           std::string_view remark = {});
  void count(MigrationOutcome outcome, std::size_t number) { counts_.at(index(outcome)) += number; }
  std::size_t number(MigrationOutcome outcome) const { return counts_.at(index(outcome)); }
  const std::vector<MigrationLine>& lines() const { return lines_; }

  bool dry_run = false;
  std::string keystore_format;  // empty: none was given

 private:
  static std::size_t index(MigrationOutcome outcome) { return static_cast<std::size_t>(outcome); }
  std::vector<MigrationLine> lines_;
  std::array<std::size_t, 5> counts_{};
};

}  // namespace tapewarden::keymgr
