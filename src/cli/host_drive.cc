#include "cli/host_drive.h"

#include "scsi/sense_codes.h"
#include "tape/transport/iscsi_transport.h"
#include "tape/transport/sg_io_transport.h"

namespace tapewarden::cli {
namespace {

using scsi::BlockStatus;
using tape::TapeFault;

constexpr std::size_t kProbeBytes = 1U << 20;

Error of(const tape::TapeError& error) {
  return error.error();
}

Result<std::unique_ptr<tape::Transport>> open_iscsi(Context& context, const Values& values,
                                                    const std::string& text) {
  const auto url = TRY(tape::parse_iscsi_url(text));
  tape::IscsiLogin login;
  if (values.has("--password-file")) {
    login.password = TRY(read_secret_file(*context.env.disk, values.text("--password-file")));
  } else if (!url.user.empty()) {
    login.password = TRY(context.ask_secret("the password of " + url.user + " at " + url.host));
  }
  return TRY(tape::IscsiTransport::open(url, login));
}

Result<std::unique_ptr<tape::Transport>> open_transport(Context& context, const Values& values) {
  const std::string device = values.text("DEVICE");
  if (tape::is_iscsi_url(device)) return open_iscsi(context, values, device);
  if (!device.starts_with('/'))
    return fail(ErrorCode::kInvalidArgument, "this is no drive", "DEVICE",
                "name a path such as /dev/nst0, or iscsi://host/target-name/lun");
  return TRY(tape::SgIoTransport::open(device));
}

std::string trimmed(std::string text) {
  constexpr std::string_view kFill(" \0", 2);
  text.erase(text.find_last_not_of(kFill) + 1);
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

// Some drives tell of the next block only when they have tried to read it. Whether there is anything to read.
Result<bool> try_to_read(tape::TapeDrive& drive) {
  const auto read = drive.read_block(kProbeBytes);
  if (read) return read->kind != tape::ReadOutcome::Kind::kEndOfData;
  switch (read.error().fault) {
    case TapeFault::kNoKey:
    case TapeFault::kWrongKey:
    case TapeFault::kEncryptionRefused:
      return true;
    default:
      return std::unexpected(of(read.error()));
  }
}

Result<bool> to_next_file(tape::TapeDrive& drive) {
  const auto moved = drive.space_filemarks(1);
  if (moved) return moved->stop == tape::SpaceOutcome::Stop::kDone;
  if (moved.error().fault == TapeFault::kEndOfData) return false;
  return std::unexpected(of(moved.error()));
}

Result<scsi::NextBlockStatus> look_ahead(tape::TapeDrive& drive) {
  auto next = drive.next_block_status();
  if (!next) return std::unexpected(of(next.error()));
  const bool unread = next->status == BlockStatus::kNotNow || next->status == BlockStatus::kUnknown;
  if (!unread || !TRY(try_to_read(drive))) return *std::move(next);
  next = drive.next_block_status();
  if (!next) return std::unexpected(of(next.error()));
  return *std::move(next);
}

}  // namespace

const ArgumentSpec kDevice{.name = "DEVICE",
                           .required = true,
                           .meaning = "/dev/nst0, /dev/sg1, or iscsi://[user@]host[:port]/target-name/lun"};
const ArgumentSpec kDevicePassword{.name = "--password-file",
                                   .meaning = "password of the URL's user, instead of the terminal"};

Result<std::unique_ptr<HostDrive>> HostDrive::open(Context& context, const Values& values) {
  return over(TRY(open_transport(context, values)));
}

Result<std::unique_ptr<HostDrive>> HostDrive::over(std::unique_ptr<tape::Transport> transport) {
  std::unique_ptr<HostDrive> drive(new HostDrive(std::move(transport)));
  TRY(drive->meet());
  return drive;
}

Status HostDrive::meet() {
  auto who = tape_.inquiry();
  if (!who) return std::unexpected(of(who.error()));
  if (who->device_type != scsi::kTapeDeviceType)
    return fail(ErrorCode::kInvalidArgument, "this device is no tape drive", "DEVICE",
                "of a library LUN 0 is the changer, and the drives are LUN 1 and on; `lsscsi -g` tells a "
                "host's own devices");
  inquiry_ = *std::move(who);
  if (auto serial = tape_.serial_number(); serial) serial_ = trimmed(*std::move(serial));
  if (const auto told = tape_.drain_attentions(); !told) return std::unexpected(of(told.error()));
  return {};
}

Result<scsi::NextBlockStatus> to_first_encrypted_block(tape::TapeDrive& drive) {
  if (const auto back = drive.rewind(); !back) return std::unexpected(of(back.error()));
  for (int file = 0; file < kMaxFilesSearched; ++file) {
    auto next = TRY(look_ahead(drive));
    if (next.status == BlockStatus::kReadable || next.status == BlockStatus::kKeyMissing) return next;
    if (next.status == BlockStatus::kOtherAlgorithm)
      return fail(ErrorCode::kUnsupported, "the tape is encrypted in a way that this drive does not know",
                  "cartridge");
    if (!TRY(to_next_file(drive))) break;
  }
  return fail(ErrorCode::kNotFound, "no encrypted block was found on this tape", "cartridge",
              "a clear tape needs no key; for a new one say --for write");
}

Status check_given_key(tape::TapeDrive& drive, keyproxy::HostIntent intent) {
  const auto status = drive.encryption_status();
  if (!status) return std::unexpected(status.error().error());
  const bool writes = status->encryption == scsi::EncryptionMode::kEncrypt;
  if (writes != (intent != keyproxy::HostIntent::kRead))
    return fail(ErrorCode::kInternal, "the drive took the key and does not use it as it was told", "DEVICE");
  if (intent == keyproxy::HostIntent::kWriteFromBeginning) return {};
  const auto next = drive.next_block_status();
  if (next && next->status == scsi::BlockStatus::kKeyMissing)
    return fail(ErrorCode::kWrongKey, "the drive says that this is not the key of the tape", "cartridge");
  return {};
}

}  // namespace tapewarden::cli
