// Drives of an old installation.
#include "base/text.h"
#include "keymgr/migration/ekm_parts.h"

namespace tapewarden::keymgr {
namespace {

constexpr auto kDrives = MigrationSection::kDrives;

// Labels are told for 3592 drives alone.
DriveKind kind_of(const OldDrive& drive) {
  return drive.label_1.empty() && drive.label_2.empty() ? DriveKind::kLto : DriveKind::k3592;
}

// -symrec names a group or a key.
Result<DriveChange> change_of(const MigrationWork& work, const OldDrive& old) {
  DriveChange change;
  change.kind = kind_of(old);
  if (!old.wwnn.empty()) change.wwnn = old.wwnn;
  // A second label alone takes the first place, since a drive here has none without a first.
  const bool second_alone = old.label_1.empty();
  change.label_1 = LabelChoice{second_alone ? old.label_2 : old.label_1, LabelMode::kClear};
  change.label_2 = LabelChoice{second_alone ? std::string() : old.label_2, LabelMode::kClear};
  if (old.key.empty()) return change;
  const bool group = TRY(work.manager.groups().find(work.transaction, old.key)).has_value();
  (group ? change.default_group : change.default_alias) = old.key;
  return change;
}

bool says_the_same(const Drive& here, const DriveChange& change) {
  const auto same = [](const std::string& a, const std::optional<std::string>& b) {
    return !b || equal_ignoring_case(a, *b);
  };
  return here.kind == *change.kind && same(here.wwnn, change.wwnn) &&
         same(here.default_alias, change.default_alias) && same(here.default_group, change.default_group) &&
         equal_ignoring_case(here.label_1.label, change.label_1->label) &&
         equal_ignoring_case(here.label_2.label, change.label_2->label);
}

}  // namespace

Status take_drive(const MigrationWork& work, const OldDrive& old) {
  if (!old.fault.empty()) {
    work.tell(kDrives, old.serial, MigrationOutcome::kLeftOut,
              "line " + std::to_string(old.line) + ": " + old.fault);
    return {};
  }
  const auto change = TRY(change_of(work, old));
  const auto here = TRY(work.manager.drives().find(work.transaction, old.serial));
  if (here) {
    const bool same = says_the_same(*here, change);
    work.tell(kDrives, old.serial, same ? MigrationOutcome::kSame : MigrationOutcome::kLeftOut,
              same ? "" : "it is here with other defaults, which stay: compare with drive-table show");
    return {};
  }
  const auto added = work.manager.drives().add(work.transaction, work.actor, old.serial, change);
  if (!added && !concerns_one_thing(added.error())) return std::unexpected(added.error());
  const std::string kind(to_string(*change.kind));
  work.tell(kDrives, old.serial, added ? MigrationOutcome::kAdded : MigrationOutcome::kLeftOut,
            added ? kind + "; it is served once an operator has accepted the keys that it shows"
                  : added.error().message);
  return {};
}

}  // namespace tapewarden::keymgr
