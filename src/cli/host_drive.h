// A real drive as the commands use it: opened by its path or URL, asked who and how it is, brought to the
// block that names a tape's key. One user at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/context.h"
#include "keyproxy/key_proxy.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::cli {

// DEVICE and what opens it.
extern const ArgumentSpec kDevice;
extern const ArgumentSpec kDevicePassword;

class HostDrive {
 public:
  // DEVICE of `values`: /dev/…, or iscsi://…, for whose user the password is read from --password-file or
  // asked for. Unit attentions are taken note of. Errors of the transports; kInvalidArgument when it is no
  // tape drive.
  static Result<std::unique_ptr<HostDrive>> open(Context& context, const Values& values);

  // The same over a transport that is there already.
  static Result<std::unique_ptr<HostDrive>> over(std::unique_ptr<tape::Transport> transport);

  tape::TapeDrive& tape() { return tape_; }
  bool on_local_bus() const { return transport_->on_local_bus(); }
  const scsi::StandardInquiry& inquiry() const { return inquiry_; }
  const std::string& serial() const { return serial_; }  // empty: it does not tell

 private:
  explicit HostDrive(std::unique_ptr<tape::Transport> transport)
      : transport_(std::move(transport)), tape_(*transport_) {}
  Status meet();

  std::unique_ptr<tape::Transport> transport_;
  tape::TapeDrive tape_;
  scsi::StandardInquiry inquiry_;
  std::string serial_;
};

// What is known of a drive, in the order in which it is shown. Texts from the drive are escaped.
struct DriveFact {
  std::string_view name;   // in JSON
  std::string_view label;  // for a person
  std::string value;
};
// Leaves the tape where it is. A page that the drive does not offer gives a line that says so.
std::vector<DriveFact> facts_of(HostDrive& drive);

// The value of a descriptor as an alias, as text, or as hexadecimal digits.
std::string shown_descriptor(const scsi::KeyAssociatedData& descriptor);
std::string_view manager_name(scsi::ParametersControl control);

// Brings the tape to its first encrypted block, which may stand behind labels in clear: the beginnings of the
// first kMaxFilesSearched files are looked at. kNotFound when none is encrypted.
inline constexpr int kMaxFilesSearched = 16;
Result<scsi::NextBlockStatus> to_first_encrypted_block(tape::TapeDrive& drive);

// That a drive that took a key uses it: it encrypts what is written with it (or does not, for reading), and
// the block that it stands at is not under another one. kInternal, kWrongKey.
Status check_given_key(tape::TapeDrive& drive, keyproxy::HostIntent intent);

}  // namespace tapewarden::cli
