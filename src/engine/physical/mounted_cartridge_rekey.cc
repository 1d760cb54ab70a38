// What a mounted cartridge says of its keys, and new EEDKs on it.
#include "base/assert.h"
#include "eedk/data_key_identifier.h"
#include "engine/physical/mounted_cartridge.h"

namespace tapewarden::engine {
namespace {

const KeySteps kRekeySteps{"R1", "R2", "R3", "R4"};
const KeySteps kProofSteps{"R5", "R6", "R7", "R8"};

}  // namespace

Result<HeldLabels> MountedCartridge::held_labels() {
  if (!drive_.status().facts.key_path) return HeldLabels{};
  const auto page = drive_.tape().key_request();
  if (!page) return drive_.failed("asking for the key labels of cartridge " + barcode_, page.error());
  return labels_of(page->eedks);
}

Result<std::string> MountedCartridge::held_alias() {
  if (!drive_.status().facts.key_path) return std::string();
  const auto page = drive_.tape().key_request();
  if (!page) return drive_.failed("asking for the key's name of cartridge " + barcode_, page.error());
  if (page->data_key_identifier.empty()) return std::string();
  const auto identifier = eedk::DataKeyIdentifier::from_tape(page->data_key_identifier);
  const auto alias = identifier ? identifier->alias() : std::unexpected(identifier.error());
  return alias ? *alias : to_hex(page->data_key_identifier);
}

Status MountedCartridge::to_beginning() {
  if (const auto rewound = drive_.tape().rewind(); !rewound)
    return drive_.failed("rewinding cartridge " + barcode_, rewound.error());
  return {};
}

Result<RekeyOutcome> MountedCartridge::rekey(const std::vector<scsi::KeyLabel>& labels) {
  TW_ASSERT(!writer_.open() && encryption_ == TapeEncryption::kWrapped);
  TW_ASSERT(!labels.empty() && labels.size() <= scsi::key_path::kMaxLabels);
  TRY(to_beginning());
  tape_.use_steps(kRekeySteps);
  TRY(tape_.rekey(labels));
  if (const auto held = TRY(held_labels()); !held.may_be(labels))
    return mount_fail(MountFault::kKeys, ErrorCode::kPermissionDenied,
                      "cartridge " + barcode_ + " has the key labels " + held.text() +
                          " although new EEDKs were brought to " + drive_.name(),
                      "labels", "look at what the key server's audit says of this drive");
  trace_.note("R4", drive_.name(), "engine", "the new EEDKs are on cartridge " + barcode_);
  RekeyOutcome outcome;
  if (const auto proven = prove_label(); !proven) {
    outcome.unproven = proven.error();
    trace_.note("R8", "engine", drive_.name(), "not read by the new EEDKs: " + proven.error().message);
  }
  return outcome;
}

// The drive let go of the key that came by the old EEDKs.
Status MountedCartridge::prove_label() {
  TRY(to_beginning());
  tape_.use_steps(kProofSteps);
  const auto known = label_;
  TRY(read_label());
  if (label_ == known) return {};
  return mount_fail(MountFault::kIdentity, ErrorCode::kConflict,
                    "cartridge " + barcode_ + " has another label than before");
}

}  // namespace tapewarden::engine
