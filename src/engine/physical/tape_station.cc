// The three sequences. What they do with drive and library is in tape_station_load.cc.
#include "engine/physical/tape_station.h"

#include "base/assert.h"

namespace tapewarden::engine {
namespace {

const KeySteps kWriteSteps{"2b", "2c", "2d", "2e"};
const KeySteps kIdentifySteps{"1", "1", "1", "1"};
const KeySteps kAppendSteps{"2c", "2d", "2e", "2f"};
const KeySteps kReadSteps{"2b", "2c", "2d", "2e"};

std::string words(const TapeWritePolicy& policy) {
  std::string out = "encryption on, " + std::string(to_string(policy.encryption));
  for (const auto& label : policy.labels)
    out += ", key label " + label.text + (label.mode == scsi::LabelModeCode::kHash ? " (hash)" : " (clear)");
  if (!policy.alias_or_group.empty()) out += ", " + policy.alias_or_group;
  return out;
}

std::unexpected<Error> other_label(const std::string& what, const CartridgeLabel& found,
                                   const CartridgeWanted& wanted) {
  return mount_fail(MountFault::kIdentity, ErrorCode::kConflict,
                    "cartridge " + wanted.barcode + ": its label is " + what + ": " + found.barcode +
                        ", medium generation " + std::to_string(found.medium) + ", where " + wanted.barcode +
                        ", medium generation " + std::to_string(wanted.medium) + " is looked for",
                    "label", "put the right cartridge in; nothing was written on this one");
}

}  // namespace

std::unique_ptr<MountedCartridge> TapeStation::handle(const std::string& barcode, MountTrace& trace) {
  return std::unique_ptr<MountedCartridge>(
      new MountedCartridge(*this, drive_, keys_, trace, barcode, options_.reserve_bytes, *options_.meter));
}

TapeStation::Mounted TapeStation::mount_for_write_from_beginning(const CartridgeLabel& label,
                                                                 const TapeWritePolicy& policy,
                                                                 MountTrace& trace) {
  TW_ASSERT(label.check());
  TRY(check_disk(label.barcode));
  TRY(check_drive(policy.encryption));
  return whole_or_nothing(write_from_beginning(label, policy, trace), trace);
}

TapeStation::Mounted TapeStation::mount_for_append(const CartridgeWanted& wanted, std::uint32_t next_file,
                                                   MountTrace& trace) {
  TW_ASSERT(next_file > 0);
  TRY(check_disk(wanted.barcode));
  TRY(check_drive(wanted.encryption));
  return whole_or_nothing(append(wanted, next_file, trace), trace);
}

TapeStation::Mounted TapeStation::mount_for_read(const CartridgeWanted& wanted, MountTrace& trace) {
  TRY(check_drive(wanted.encryption));
  return whole_or_nothing(read(wanted, trace), trace);
}

TapeStation::Mounted TapeStation::mount_to_examine(const std::string& barcode, MountTrace& trace) {
  TRY(check_drive(TapeEncryption::kClear));
  return whole_or_nothing(examine(barcode, trace), trace);
}

TapeStation::Mounted TapeStation::whole_or_nothing(Mounted mounted, MountTrace& trace) {
  if (mounted) return mounted;
  trace.note("-", "engine", drive_.name(), "the mount failed: " + mounted.error().message);
  if (const auto away = demount(trace); !away) drive_.note_stuck(away.error());
  return mounted;
}

TapeStation::Mounted TapeStation::write_from_beginning(const CartridgeLabel& label,
                                                       const TapeWritePolicy& policy, MountTrace& trace) {
  TRY(load(label.barcode, trace));
  const bool encrypts = policy.encryption != TapeEncryption::kClear;
  if (encrypts) {
    trace.note("2a", "engine", drive_.name(), words(policy));
    TRY(set_policy(label.barcode, {true, policy.labels, policy.alias_or_group}));
  } else {
    trace.note("3a", "engine", drive_.name(), "encryption off");
    TRY(turn_off_encryption(label.barcode));
  }
  auto cartridge = handle(label.barcode, trace);
  cartridge->tape_.use_steps(kWriteSteps);
  cartridge->tape_.begins();
  TRY(cartridge->begin_label(label));
  TRY(expect(policy.encryption, label.barcode));
  cartridge->encryption_ = policy.encryption;
  if (!encrypts) trace.note("3b", "engine", drive_.name(), "writing");
  return cartridge;
}

// The drive tells by itself in what mode it is: the cartridge says so.
void TapeStation::note_encryption(TapeEncryption encryption, MountTrace& trace) {
  if (encryption == TapeEncryption::kClear) {
    trace.note("3a", drive_.name(), "engine", "no encryption mode: the cartridge is clear");
  } else {
    trace.note("2a", drive_.name(), "engine",
               "encryption mode: the cartridge is encrypted, " + std::string(to_string(encryption)));
  }
}

TapeStation::Mounted TapeStation::append(const CartridgeWanted& wanted, std::uint32_t next_file,
                                         MountTrace& trace) {
  TRY(load(wanted.barcode, trace));
  const bool encrypted = wanted.encryption != TapeEncryption::kClear;
  TRY(expect(wanted.encryption, wanted.barcode));
  auto cartridge = handle(wanted.barcode, trace);
  // While the tape stands at its beginning the policy can be set: a cartridge that is known to be encrypted
  // is not appended to in clear, whatever its key areas say by then.
  if (drive_.status().facts.key_path) TRY(set_policy(wanted.barcode, {encrypted, {}, {}}));
  cartridge->tape_.use_steps(kIdentifySteps);
  TRY(identify(*cartridge, wanted));
  note_encryption(wanted.encryption, trace);
  cartridge->tape_.use_steps(kAppendSteps);
  cartridge->next_file_ = next_file;
  TRY(cartridge->to_append_point());
  trace.note(encrypted ? "2b" : "3b", "engine", drive_.name(),
             "position to tape file " + std::to_string(next_file));
  cartridge->encryption_ = wanted.encryption;
  return cartridge;
}

TapeStation::Mounted TapeStation::read(const CartridgeWanted& wanted, MountTrace& trace) {
  TRY(load(wanted.barcode, trace));
  TRY(expect(wanted.encryption, wanted.barcode));
  note_encryption(wanted.encryption, trace);
  auto cartridge = handle(wanted.barcode, trace);
  cartridge->tape_.use_steps(kReadSteps);
  TRY(identify(*cartridge, wanted));
  cartridge->encryption_ = wanted.encryption;
  return cartridge;
}

TapeStation::Mounted TapeStation::examine(const std::string& barcode, MountTrace& trace) {
  TRY(load(barcode, trace));
  const auto encryption = drive_.status().facts.key_path ? TRY(recognised()) : TapeEncryption::kClear;
  if (encryption != TapeEncryption::kClear) TRY(drive_.require(encryption));
  note_encryption(encryption, trace);
  auto cartridge = handle(barcode, trace);
  cartridge->tape_.use_steps(kReadSteps);
  TRY(cartridge->read_label());
  const auto& found = cartridge->label();
  if (found.barcode != barcode)
    return other_label("another cartridge's", found, {.barcode = barcode, .medium = found.medium});
  cartridge->encryption_ = encryption;
  return cartridge;
}

Status TapeStation::erase(const std::string& barcode, MountTrace& trace) {
  TRY(check_drive(TapeEncryption::kClear));
  auto erased = erase_loaded(barcode, trace);
  const auto away = demount(trace);
  if (!erased) {
    if (!away) drive_.note_stuck(away.error());
    return erased;
  }
  if (!away) return std::unexpected(away.error());
  return {};
}

Status TapeStation::erase_loaded(const std::string& barcode, MountTrace& trace) {
  TRY(load(barcode, trace));
  trace.note("-", "engine", drive_.name(), "erase cartridge " + barcode + " from its beginning to its end");
  if (const auto erased = drive_.tape().erase(); !erased)
    return drive_.failed("erasing cartridge " + barcode, erased.error());
  trace.note("-", drive_.name(), "engine", "cartridge " + barcode + " is erased");
  return {};
}

Status TapeStation::identify(MountedCartridge& cartridge, const CartridgeWanted& wanted) {
  TRY(cartridge.read_label());
  const auto& found = cartridge.label();
  if (found.barcode != wanted.barcode) return other_label("another cartridge's", found, wanted);
  if (found.engine != wanted.engine) return other_label("another engine's", found, wanted);
  if (found.medium != wanted.medium) return other_label("of another beginning", found, wanted);
  return {};
}

}  // namespace tapewarden::engine
