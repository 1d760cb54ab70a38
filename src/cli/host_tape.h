// A real drive that is read and written by `tapewarden tape`. Keys are fetched when the first one is needed,
// so that what is clear needs no key server. One user at a time.
#pragma once

#include <optional>

#include "cli/drive_use.h"
#include "cli/host_keys.h"
#include "cli/keyed_drive.h"

namespace tapewarden::cli {

class HostTape final : public KeyedDrive {
 public:
  // Reserves the drive for this program, brings it to variable block length and keeps its cartridge in it,
  // where the drive can, until this ends. `context` and `values` outlive this. Errors of HostDrive::open()
  // and DriveUse::take(); those of the drive when it holds no cartridge.
  static Result<std::unique_ptr<HostTape>> open(Context& context, const Values& values);
  // The same for a drive that is opened already.
  static Result<std::unique_ptr<HostTape>> over(Context& context, const Values& values,
                                                std::unique_ptr<HostDrive> drive);
  ~HostTape() override;  // takes a key that it gave away again

  tape::TapeDrive& tape() override { return drive_->tape(); }
  // What host adapters and Linux' sg driver commonly carry in one command.
  std::size_t read_limit() const override { return 1U << 20; }
  bool set_by_host() const override { return true; }
  std::string keys_brought_by() override { return brought_by_; }
  Result<keyproxy::Served> bring_key(keyproxy::HostIntent intent, const std::string& group) override;
  Status confirm() override;
  Status clear_key() override;  // nothing to do for a drive that knows no encryption

 private:
  HostTape(Context& context, const Values& values) : context_(context), values_(values) {}

  Context& context_;
  const Values& values_;
  std::unique_ptr<HostDrive> drive_;
  std::unique_ptr<DriveUse> use_;
  std::unique_ptr<HostKeys> keys_;
  std::optional<keyproxy::SetKey> unconfirmed_;
  std::string brought_by_;
  bool gave_key_ = false;
  bool holds_cartridge_ = false;
};

}  // namespace tapewarden::cli
