#include "engine/physical/keyed_tape.h"

namespace tapewarden::engine {
namespace {

using tape::TapeFault;

bool asks_for_key(TapeFault fault) {
  return fault == TapeFault::kKeyGenerationNeeded || fault == TapeFault::kKeyTranslationNeeded;
}

SinkRoom room_of(const tape::WriteOutcome& outcome) {
  return outcome.early_warning ? SinkRoom::kEarlyWarning : SinkRoom::kEnough;
}

}  // namespace

std::unexpected<Error> KeyedTape::failed(const std::string& doing, const tape::TapeError& error) {
  return drive_.failed(doing + " " + place_, error);
}

std::unexpected<Error> KeyedTape::failed_at_block(const std::string& doing, const tape::TapeError& error) {
  if (begins_ || error.fault != TapeFault::kEncryptionRefused) return failed(doing, error);
  if (drive_.note_block_refused(barcode_, error.text()))
    return mount_fail(MountFault::kDrive, ErrorCode::kIo,
                      drive_.name() + " is offline: " + drive_.status().reason, "encryption",
                      "have the drive looked at");
  return mount_fail(MountFault::kIdentity, ErrorCode::kConflict,
                    drive_.name() + ", " + doing + " " + place_ + ": " + error.text(), "encryption",
                    "its key information and its records do not go together: have what can be read of it "
                    "moved to others");
}

std::unexpected<Error> KeyedTape::refused(const std::string& doing, const Error& error) {
  auto judged = judge_refusal(doing, error);
  if (fault_of(judged.error()) == MountFault::kDriveKeys) drive_.note_refused(error);
  return judged;
}

// A drive that failed meanwhile says nothing of key servers.
void KeyedTape::count_exchange(bool is_new, const Result<KeyNames>& answer) {
  if (answer) return meter_.key_exchange(is_new ? KeyExchange::kGenerated : KeyExchange::kFetched);
  switch (answer.error().code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return meter_.key_exchange(KeyExchange::kMissed);
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kNotFound:
    case ErrorCode::kExhausted:
    case ErrorCode::kConflict:
      return meter_.key_exchange(KeyExchange::kRefused);
    default:
      return;
  }
}

Status KeyedTape::bring_key(bool is_new) {
  trace_.note(steps_.asked, drive_.name(), "engine",
              std::string("a data key is needed: ") + (is_new ? "a new one" : "the cartridge's own"));
  trace_.note(steps_.exchanged, "engine", "key server", "key exchange for cartridge " + barcode_);
  const auto names = keys_.serve(drive_.tape());
  count_exchange(is_new, names);
  if (!names) {
    trace_.note(steps_.exchanged, "key server", "engine", "no key: " + names.error().message);
    return refused(drive_.name() + " got no key for cartridge " + barcode_, names.error());
  }
  drive_.note_served();
  const auto what = names->text();
  trace_.note(steps_.given, "key server " + names->server, drive_.name(),
              "the data key, encrypted for the drive" + (what.empty() ? std::string() : " (" + what + ")"));
  return {};
}

template <typename Operation>
auto KeyedTape::with_key(const std::string& doing, Operation operation)
    -> Result<typename decltype(operation())::value_type> {
  bool brought = false;
  bool refusal_told = false;
  while (true) {
    auto outcome = operation();
    if (outcome && brought) trace_.note(steps_.resumed, "engine", drive_.name(), doing + " goes on");
    if (outcome) return *std::move(outcome);
    const auto fault = outcome.error().fault;
    if (asks_for_key(fault) && !brought) {
      TRY(bring_key(fault == TapeFault::kKeyGenerationNeeded));
      brought = true;
    } else if (fault == TapeFault::kKeyServiceFailed && !brought && !refusal_told) {
      refusal_told = true;  // of an exchange before this command
    } else {
      return failed_at_block(doing, outcome.error());
    }
  }
}

Result<SinkRoom> KeyedTape::write_block(ByteView block) {
  return room_of(TRY(with_key("writing", [&] { return drive_.tape().write_block(block); })));
}

Result<SinkRoom> KeyedTape::write_filemark() {
  return room_of(TRY(with_key("writing", [&] { return drive_.tape().write_filemarks(1); })));
}

Result<SourceBlock> KeyedTape::read_block() {
  auto outcome = TRY(with_key("reading", [&] { return drive_.tape().read_block(kStackBlockBytes); }));
  switch (outcome.kind) {
    case tape::ReadOutcome::Kind::kFilemark:
      return SourceBlock{SourceBlock::Kind::kFilemark, {}};
    case tape::ReadOutcome::Kind::kEndOfData:
      return SourceBlock{SourceBlock::Kind::kEndOfData, {}};
    case tape::ReadOutcome::Kind::kBlock:
      break;
  }
  SourceBlock block{SourceBlock::Kind::kBlock, crypto::WipedBytes(std::move(outcome.data))};
  if (outcome.block_bytes > block.data.size())
    return mount_fail(MountFault::kMedium, ErrorCode::kCorrupt,
                      "reading " + place_ + ": a block is longer than any that the engine writes");
  return block;
}

Status KeyedTape::rekey(const std::vector<scsi::KeyLabel>& labels) {
  std::string names;
  for (const auto& label : labels) names += (names.empty() ? "" : ", ") + label.text;
  trace_.note(steps_.asked, "engine", drive_.name(), "new EEDKs for key label " + names);
  if (const auto asked = drive_.tape().ask_for_rekey({labels}); !asked) {
    if (asked.error().fault != TapeFault::kIllegalRequest)
      return failed("asking for new EEDKs of", asked.error());
    return mount_fail(
        MountFault::kConfiguration, ErrorCode::kUnsupported,
        drive_.name() + " does not take new EEDKs for cartridge " + barcode_ + ": " + asked.error().text(),
        "drive", "use a drive that can, or have the cartridge's content moved to others");
  }
  trace_.note(steps_.exchanged, "engine", "key server", "exchange for new EEDKs of cartridge " + barcode_);
  const auto names_told = keys_.serve(drive_.tape());
  if (names_told) {
    trace_.note(steps_.given, "key server " + names_told->server, drive_.name(), "new EEDKs");
    return {};
  }
  const auto& error = names_told.error();
  trace_.note(steps_.exchanged, "key server", "engine", "no EEDKs: " + error.message);
  // What the drive could not put on the cartridge comes back as its error.
  const bool medium = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kIo;
  const auto doing = drive_.name() + " got no new EEDKs for cartridge " + barcode_;
  return medium ? mount_fail(MountFault::kMedium, doing, error) : refused(doing, error);
}

Status KeyedTape::locate_file(std::uint32_t file) {
  const auto missing = [&] {
    return mount_fail(MountFault::kIdentity, ErrorCode::kNotFound,
                      "cartridge " + barcode_ + " has no tape file " + std::to_string(file), "barcode",
                      "it is not as the catalogue knows it: put the right cartridge in");
  };
  const auto located = drive_.tape().locate_file(file);
  if (!located && located.error().fault == TapeFault::kEndOfData) return missing();
  if (!located) return failed("positioning to", located.error());
  const auto position = drive_.tape().position();
  if (!position) return failed("asking the position of", position.error());
  if (position->file_number != file) return missing();
  return {};
}

}  // namespace tapewarden::engine
