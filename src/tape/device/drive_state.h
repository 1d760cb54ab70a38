// What the command families of a drive share. Internal to tape/device/.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "scsi/cdb.h"
#include "scsi/sense_codes.h"
#include "scsi/tape_cdb.h"
#include "tape/device/block_protection.h"
#include "tape/device/drive.h"
#include "tape/device/drive_counters.h"
#include "tape/device/encryption_control.h"
#include "tape/device/key_path.h"
#include "tape/device/partition_request.h"
#include "tape/device/reservations.h"
#include "tape/device/tape_alerts.h"
#include "tape/device/unit_attention.h"

namespace tapewarden::tape {

// How the running write session was chosen; a command that would choose otherwise begins another.
struct SessionChoice {
  DataKeyHandle key{};
  Bytes akad{};
  Bytes ukad{};
  bool raw_read_blocked = false;
  std::uint8_t kad_format = 0;
  bool compression = true;
  bool operator==(const SessionChoice&) const = default;
};

// What ALLOW OVERWRITE permits in append-only mode (SSC-4 section 4.2.17). It ends when the position does.
struct OverwritePermission {
  scsi::AllowOverwrite::Permission permission = scsi::AllowOverwrite::Permission::kNone;
  Position position{};
};

// Blocks that wait to be written (deferred_write.h).
struct DeferredWrite {
  ByteView data;
  std::size_t block = 0;             // length of each
  std::shared_ptr<const void> keep;  // holds data
};

// What the disk said when it was last asked (disk_room.h).
struct KnownRoom {
  bool enough = false;
  SteadyTime asked{};
};

struct DriveState {
  DriveState(Env system, std::shared_ptr<const DriveIdentity> who, DriveOptions how, DriveExchange* exchange)
      : env(system),
        identity(std::move(who)),
        options(std::move(how)),
        key_path(
            *identity, exchange, *env.random,
            identity->facts().kind == MediumKind::kLto ? KeyMethod::kIdentifiedKey : KeyMethod::kWrappedKey,
            options.partition),
        compression(options.compression) {
    key_path.set_policy(options.default_policy);
  }

  bool key_managed() const {
    return options.management == KeyManagement::kSystem || options.management == KeyManagement::kLibrary;
  }

  Env env;
  std::shared_ptr<const DriveIdentity> identity;
  DriveOptions options;

  std::string cartridge_path{};            // empty: no cartridge
  bool write_protected = false;            // as inserted
  bool mounted_read_only = false;          // that, or a density that the drive only reads
  std::unique_ptr<Cartridge> cartridge{};  // loaded
  DataKeyHandle read_key{};                // as the cartridge has it
  std::optional<SessionChoice> session{};  // as the cartridge has it
  std::optional<scsi::NexusId> writer{};   // who wrote last
  std::optional<DeferredWrite> deferred{};
  KnownRoom room{};
  unsigned reads_in_a_row = 0;  // commands that read and ended well, with no other between them

  UnitAttentions attentions{};
  EncryptionControl encryption{};
  KeyPath key_path;
  Reservations reservations{attentions, options.reservations};
  TapeAlerts alerts{};
  DriveCounters counters{};
  std::set<scsi::NexusId> preventing{};
  std::map<scsi::NexusId, std::string> target_ports{};  // SCSI names, where the transport told them

  std::uint32_t block_length = 0;  // 0: variable
  std::uint8_t buffered_mode = 1;
  bool compression = true;
  BlockProtection protection{};
  std::uint16_t programmable_early_warning = 0;  // megabytes before the early warning
  bool append_only = false;                      // WRITE MODE of the device configuration extension
  OverwritePermission overwrite{};
  std::optional<PartitionRequest> partition_request{};  // of page 11h, for the next format
  std::optional<std::int64_t> timestamp_offset{};  // milliseconds on top of the clock, after SET TIMESTAMP
};

// One command of the table (command_table.h). The handler runs when reservation and unit attention allow; a
// sense it returns becomes CHECK CONDITION.
using Handler = scsi::Outcome<scsi::Response> (*)(DriveState& drive, const scsi::Command& command);

// commands_basic.cc
scsi::Outcome<scsi::Response> test_unit_ready(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> request_sense(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> report_luns(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> send_diagnostic(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> receive_diagnostic(DriveState& drive, const scsi::Command& command);
// commands_inquiry.cc
scsi::Outcome<scsi::Response> inquiry(DriveState& drive, const scsi::Command& command);
// commands_reservation.cc
scsi::Outcome<scsi::Response> reserve(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> release(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> persistent_reserve_in(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> persistent_reserve_out(DriveState& drive, const scsi::Command& command);
// commands_maintenance.cc
scsi::Outcome<scsi::Response> report_operation_codes(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> report_task_management(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> report_timestamp(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> set_timestamp(DriveState& drive, const scsi::Command& command);
// commands_load.cc
scsi::Outcome<scsi::Response> load_unload(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> prevent_allow(DriveState& drive, const scsi::Command& command);
Status load(DriveState& drive);
Status unload(DriveState& drive);
// Whether the command needs nothing but memory: to be asked right before it is executed.
bool reads_at_once(const DriveState& drive, const scsi::Command& command);   // READ(6), commands_read.cc
bool writes_at_once(const DriveState& drive, const scsi::Command& command);  // WRITE(6), commands_write.cc
// commands_read.cc
scsi::Outcome<scsi::Response> read(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> verify(DriveState& drive, const scsi::Command& command);
// commands_write.cc
scsi::Outcome<scsi::Response> write(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> write_filemarks(DriveState& drive, const scsi::Command& command);
// commands_medium.cc
scsi::Outcome<scsi::Response> read_block_limits(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> erase(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> report_density_support(DriveState& drive, const scsi::Command& command);
// commands_partition.cc
scsi::Outcome<scsi::Response> format_medium(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> set_capacity(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> allow_overwrite(DriveState& drive, const scsi::Command& command);
// Append-only mode: 07/50/01 for what would overwrite, unless it was allowed at this position.
scsi::Outcome<void> check_overwrite(const DriveState& drive);
// commands_position.cc
scsi::Outcome<scsi::Response> rewind(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> space(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> locate(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> read_position(DriveState& drive, const scsi::Command& command);
// commands_mode.cc
scsi::Outcome<scsi::Response> mode_sense(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> mode_select(DriveState& drive, const scsi::Command& command);
// commands_log.cc
scsi::Outcome<scsi::Response> log_sense(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> log_select(DriveState& drive, const scsi::Command& command);
// commands_attribute.cc
scsi::Outcome<scsi::Response> read_attribute(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> write_attribute(DriveState& drive, const scsi::Command& command);
// commands_security.cc
scsi::Outcome<scsi::Response> security_protocol_in(DriveState& drive, const scsi::Command& command);
scsi::Outcome<scsi::Response> security_protocol_out(DriveState& drive, const scsi::Command& command);
// security_encryption.cc: pages of protocol 20h
scsi::Outcome<Bytes> encryption_page(DriveState& drive, scsi::NexusId nexus, std::uint16_t page);
scsi::Outcome<void> set_data_encryption_page(DriveState& drive, scsi::NexusId nexus, ByteView parameters);
// After anything that may have ended a reservation: drops the keys that hang on it (CKORP, CKORL).
// `preemptions_before`: Reservations::preemptions() before it; `cause`: whose command or loss it was. Who
// writes and gives up its reservation by a command of its own ends its writing; anything else breaks it off.
void keys_follow_reservation(DriveState& drive, std::uint64_t preemptions_before, scsi::NexusId cause,
                             bool by_command);
// security_key_path.cc: pages of protocol F0h
scsi::Outcome<Bytes> key_path_page(DriveState& drive, std::uint16_t page);
scsi::Outcome<void> take_key_path_page(DriveState& drive, std::uint16_t page, ByteView parameters);

// Response with `data` cut to the allocation length.
scsi::Response good_cut(Bytes data, std::size_t allocation_length);
// The parameter list of a command that says `size` bytes; 0B/0E/01 when fewer came, 05/1A/00 beyond the
// drive's limit.
scsi::Outcome<ByteView> parameter_list(const scsi::Command& command, std::size_t size);
scsi::Response took(std::size_t data_out_bytes);

}  // namespace tapewarden::tape
