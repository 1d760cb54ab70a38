#include "keymgr/migration/migration_report.h"

#include "base/text.h"

namespace tapewarden::keymgr {

std::string_view to_string(MigrationSection section) {
  switch (section) {
    case MigrationSection::kKeystore:
      return "keystore";
    case MigrationSection::kKeyGroups:
      return "key-groups";
    case MigrationSection::kDrives:
      return "drive-table";
    case MigrationSection::kProperties:
      return "properties";
    case MigrationSection::kMetadata:
      return "metadata";
  }
  return "unknown";
}

std::string_view to_string(MigrationOutcome outcome) {
  switch (outcome) {
    case MigrationOutcome::kAdded:
      return "added";
    case MigrationOutcome::kSame:
      return "same";
    case MigrationOutcome::kKeptBoth:
      return "kept-both";
    case MigrationOutcome::kLeftOut:
      return "left-out";
  }
  return "unknown";
}

void MigrationReport::add(MigrationSection section, std::string_view name, MigrationOutcome outcome,
                          std::string_view remark) {
  count(outcome, 1);
  if (lines_.size() == kMaximumMigrationLines) return;
  const std::string shown = is_printable(name) ? std::string(name) : escape_unprintable(name);
  lines_.push_back({section, shown, outcome, std::string(remark)});
}

}  // namespace tapewarden::keymgr
