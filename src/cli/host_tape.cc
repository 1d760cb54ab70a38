#include "cli/host_tape.h"

#include <chrono>
#include <thread>

#include "scsi/sense_codes.h"

namespace tapewarden::cli {
namespace {

constexpr std::chrono::milliseconds kReadinessPause{250};
constexpr std::chrono::minutes kReadinessPatience{60};

bool becoming_ready(const tape::TapeStatus& ready) {
  return !ready && ready.error().sense.code == scsi::sense_codes::kNotReadyLoading;
}

// A tape engine may have to bring the cartridge from another one first; a drive may still be threading it.
Status wait_while_becoming_ready(Context& context, tape::TapeDrive& drive) {
  if (!becoming_ready(drive.test_ready())) return {};
  *context.err << "the drive is becoming ready: waiting for its cartridge\n";
  const Interruption interruption;
  const auto until = std::chrono::steady_clock::now() + kReadinessPatience;
  while (becoming_ready(drive.test_ready())) {
    TRY(check_interruption());
    if (std::chrono::steady_clock::now() > until)
      return fail(ErrorCode::kTimeout, "the drive did not become ready within an hour", "DEVICE",
                  "ask the library what it waits for: tapewarden intervention list");
    std::this_thread::sleep_for(kReadinessPause);
  }
  // That the cartridge has come is what was waited for.
  if (const auto seen = drive.drain_attentions(); !seen) return std::unexpected(seen.error().error());
  return {};
}

}  // namespace

HostTape::~HostTape() {
  if (gave_key_) (void)clear_key();  // at the latest the next load does it
  if (holds_cartridge_) (void)tape().prevent_removal(false);
}

Result<std::unique_ptr<HostTape>> HostTape::open(Context& context, const Values& values) {
  return over(context, values, TRY(HostDrive::open(context, values)));
}

Result<std::unique_ptr<HostTape>> HostTape::over(Context& context, const Values& values,
                                                 std::unique_ptr<HostDrive> opened) {
  std::unique_ptr<HostTape> host(new HostTape(context, values));
  host->drive_ = std::move(opened);
  tape::TapeDrive& drive = host->tape();
  TRY(wait_while_becoming_ready(context, drive));
  host->use_ = TRY(DriveUse::take(context, drive, values.text("DEVICE")));
  if (const auto ready = drive.test_ready(); !ready) return std::unexpected(ready.error().error());
  if (const auto set = drive.set_block_length(0); !set) return std::unexpected(set.error().error());
  if (const auto status = drive.encryption_status(); status && !host_may_manage(status->control))
    host->brought_by_ = manager_name(status->control);
  // Nobody's robot or button takes it out in the middle of a file.
  host->holds_cartridge_ = drive.prevent_removal(true).has_value();
  return host;
}

Result<keyproxy::Served> HostTape::bring_key(keyproxy::HostIntent intent, const std::string& group) {
  if (!keys_) keys_ = TRY(HostKeys::open(context_, values_, *drive_));
  // Where an append begins there is no block that names the key.
  const bool appends = intent == keyproxy::HostIntent::kAppend;
  if (appends) (void)TRY(to_first_encrypted_block(tape()));
  auto key = TRY(keys_->give(intent, group));
  gave_key_ = true;
  TRY(check_given_key(tape(), intent));
  if (appends) {
    if (const auto moved = tape().to_end_of_data(); !moved) return std::unexpected(moved.error().error());
  }
  auto served = key.served;
  if (intent == keyproxy::HostIntent::kWriteFromBeginning) unconfirmed_ = std::move(key);
  return served;
}

Status HostTape::confirm() {
  if (!unconfirmed_) return {};
  TRY(keys_->confirm(*unconfirmed_));
  unconfirmed_.reset();
  return {};
}

Status HostTape::clear_key() {
  const auto cleared = tape().set_encryption({.scope = scsi::KeyScope::kAllNexuses});
  gave_key_ = false;
  if (cleared) return {};
  // A drive that knows no encryption has no key, and one that says that it does not encrypt needs none taken.
  const auto status = tape().encryption_status();
  const bool knows_none = !status && status.error().fault == tape::TapeFault::kIllegalRequest;
  const bool is_off = status && status->encryption == scsi::EncryptionMode::kDisable;
  if (cleared.error().fault == tape::TapeFault::kIllegalRequest && (knows_none || is_off)) return {};
  return std::unexpected(cleared.error().error());
}

}  // namespace tapewarden::cli
