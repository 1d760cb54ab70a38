#include "scsi/tape_cdb.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::uint8_t kAny = 0xff;

constexpr CdbFormat reserve_in(ReservationReport action, std::string_view name) {
  const auto value = static_cast<std::uint8_t>(action);
  return {Opcode::kPersistentReserveIn, 10, name, {0x5e, value, 0, 0, 0, 0, 0, kAny, kAny}, value};
}
// CLEAR and the two forms of REGISTER ignore scope and type, but take what is sent.
constexpr CdbFormat reserve_out(ReservationAction action, std::string_view name) {
  const auto value = static_cast<std::uint8_t>(action);
  return {Opcode::kPersistentReserveOut, 10, name, {0x5f, value, kAny, 0, 0, kAny, kAny, kAny, kAny}, value};
}
constexpr CdbFormat maintenance(Opcode opcode, std::uint8_t action, std::string_view name, std::uint8_t byte2,
                                std::uint8_t byte3_to_5) {
  const auto code = static_cast<std::uint8_t>(opcode);
  return {opcode,
          12,
          name,
          {code, action, byte2, byte3_to_5, byte3_to_5, byte3_to_5, kAny, kAny, kAny, kAny},
          action};
}

// Columns as in cdb.cc.
constexpr auto kFormats = std::to_array<CdbFormat>({
    {Opcode::kFormatMedium, 6, "FORMAT MEDIUM", {0x04, 0x03, 0x0f, kAny, kAny}},
    {Opcode::kSetCapacity, 6, "SET CAPACITY", {0x0b, 0x01, 0, kAny, kAny}},
    {Opcode::kAllowOverwrite,
     16,
     "ALLOW OVERWRITE",
     {0x82, 0, 0x0f, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny, kAny}},
    {Opcode::kVerify6, 6, "VERIFY(6)", {0x13, 0x3f, kAny, kAny, kAny}},
    {Opcode::kReceiveDiagnostic, 6, "RECEIVE DIAGNOSTIC RESULTS", {0x1c, 0x01, kAny, kAny, kAny}},
    {Opcode::kSendDiagnostic, 6, "SEND DIAGNOSTIC", {0x1d, 0x14, 0, kAny, kAny}},
    {Opcode::kReportDensitySupport, 10, "REPORT DENSITY SUPPORT", {0x44, 0x03, 0, 0, 0, 0, 0, kAny, kAny}},
    {Opcode::kLogSelect, 10, "LOG SELECT", {0x4c, 0x03, kAny, kAny, 0, 0, 0, kAny, kAny}},
    {Opcode::kReserve10, 10, "RESERVE(10)", {0x56}},
    {Opcode::kRelease10, 10, "RELEASE(10)", {0x57}},
    reserve_in(ReservationReport::kKeys, "PERSISTENT RESERVE IN, READ KEYS"),
    reserve_in(ReservationReport::kReservation, "PERSISTENT RESERVE IN, READ RESERVATION"),
    reserve_in(ReservationReport::kCapabilities, "PERSISTENT RESERVE IN, REPORT CAPABILITIES"),
    reserve_in(ReservationReport::kFullStatus, "PERSISTENT RESERVE IN, READ FULL STATUS"),
    reserve_out(ReservationAction::kRegister, "PERSISTENT RESERVE OUT, REGISTER"),
    reserve_out(ReservationAction::kReserve, "PERSISTENT RESERVE OUT, RESERVE"),
    reserve_out(ReservationAction::kRelease, "PERSISTENT RESERVE OUT, RELEASE"),
    reserve_out(ReservationAction::kClear, "PERSISTENT RESERVE OUT, CLEAR"),
    reserve_out(ReservationAction::kPreempt, "PERSISTENT RESERVE OUT, PREEMPT"),
    reserve_out(ReservationAction::kPreemptAndAbort, "PERSISTENT RESERVE OUT, PREEMPT AND ABORT"),
    reserve_out(ReservationAction::kRegisterAndIgnore,
                "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY"),
    maintenance(Opcode::kMaintenanceIn, service_action::kReportOperationCodes,
                "REPORT SUPPORTED OPERATION CODES", 0x87, kAny),
    maintenance(Opcode::kMaintenanceIn, service_action::kReportTaskManagement,
                "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", 0x80, 0),
    maintenance(Opcode::kMaintenanceIn, service_action::kTimestamp, "REPORT TIMESTAMP", 0, 0),
    maintenance(Opcode::kMaintenanceOut, service_action::kTimestamp, "SET TIMESTAMP", 0, 0),
});

// The CDB checked against its own format; a service action that no format has is an invalid field.
Outcome<ByteView> checked(ByteView cdb, Opcode opcode, std::optional<std::uint8_t> action = {}) {
  const auto* format = find_tape_format(static_cast<std::uint8_t>(opcode), action);
  if (format == nullptr) return invalid_in_cdb(1, 4);
  return checked_cdb(cdb, *format);
}
std::uint8_t action_of(ByteView cdb) {
  return cdb.size() > 1 ? bits_at(cdb, 1, 0, 5) : std::uint8_t{0};
}

// A CDB of `size` bytes, operation code and byte 1 filled in.
class Builder {
 public:
  Builder(Opcode opcode, std::size_t size, std::uint8_t byte1 = 0) : bytes_(size) {
    bytes_[0] = static_cast<std::uint8_t>(opcode);
    bytes_[1] = byte1;
  }
  Builder& put(std::size_t at, std::uint64_t value, std::size_t width = 1) {
    TW_ASSERT(at + width <= bytes_.size());
    for (std::size_t i = width; i-- > 0; value >>= 8U)
      bytes_[at + i] = static_cast<std::uint8_t>(value & 0xffU);
    return *this;
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace

std::span<const CdbFormat> tape_formats() {
  return kFormats;
}

const CdbFormat* find_tape_format(std::uint8_t opcode, std::optional<std::uint8_t> service_action) {
  for (const auto& format : kFormats)
    if (static_cast<std::uint8_t>(format.opcode) == opcode && format.service_action == service_action)
      return &format;
  return service_action ? nullptr : find_cdb_format(opcode);
}

Outcome<Verify6> Verify6::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kVerify6));
  return Verify6{.to_end_of_data = bit_at(c, 1, 5),
                 .protection_method = bit_at(c, 1, 4),
                 .by_filemarks = bit_at(c, 1, 3),
                 .immediate = bit_at(c, 1, 2),
                 .compare = bit_at(c, 1, 1),
                 .fixed = bit_at(c, 1, 0),
                 .length = u24_at(c, 2)};
}
Bytes Verify6::encode() const {
  const auto flags = joined(flag(to_end_of_data, 5), flag(protection_method, 4), flag(by_filemarks, 3),
                            flag(immediate, 2), flag(compare, 1), flag(fixed, 0));
  return Builder(Opcode::kVerify6, 6, flags).put(2, length, 3).take();
}

Outcome<FormatMedium> FormatMedium::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kFormatMedium));
  if (c[2] > 2) return invalid_in_cdb(2, 3);
  return FormatMedium{.verify = bit_at(c, 1, 1),
                      .immediate = bit_at(c, 1, 0),
                      .format = c[2],
                      .transfer_length = u16_at(c, 3)};
}
Bytes FormatMedium::encode() const {
  return Builder(Opcode::kFormatMedium, 6, joined(flag(verify, 1), flag(immediate, 0)))
      .put(2, format)
      .put(3, transfer_length, 2)
      .take();
}

Outcome<SetCapacity> SetCapacity::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kSetCapacity));
  return SetCapacity{.immediate = bit_at(c, 1, 0), .proportion = u16_at(c, 3)};
}
Bytes SetCapacity::encode() const {
  return Builder(Opcode::kSetCapacity, 6, flag(immediate, 0)).put(3, proportion, 2).take();
}

Outcome<AllowOverwrite> AllowOverwrite::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kAllowOverwrite));
  if (c[2] > 2) return invalid_in_cdb(2, 3);
  return AllowOverwrite{
      .permission = static_cast<Permission>(c[2]), .partition = c[3], .logical_object = u64_at(c, 4)};
}
Bytes AllowOverwrite::encode() const {
  return Builder(Opcode::kAllowOverwrite, 16)
      .put(2, static_cast<std::uint8_t>(permission))
      .put(3, partition)
      .put(4, logical_object, 8)
      .take();
}

Outcome<ReportDensitySupport> ReportDensitySupport::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kReportDensitySupport));
  return ReportDensitySupport{
      .medium_type = bit_at(c, 1, 1), .mounted = bit_at(c, 1, 0), .allocation_length = u16_at(c, 7)};
}
Bytes ReportDensitySupport::encode() const {
  return Builder(Opcode::kReportDensitySupport, 10, joined(flag(medium_type, 1), flag(mounted, 0)))
      .put(7, allocation_length, 2)
      .take();
}

Outcome<LogSelect> LogSelect::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kLogSelect));
  return LogSelect{.reset_parameters = bit_at(c, 1, 1),
                   .save_parameters = bit_at(c, 1, 0),
                   .control = bits_at(c, 2, 6, 2),
                   .page = bits_at(c, 2, 0, 6),
                   .subpage = c[3],
                   .parameter_length = u16_at(c, 7)};
}
Bytes LogSelect::encode() const {
  return Builder(Opcode::kLogSelect, 10, joined(flag(reset_parameters, 1), flag(save_parameters, 0)))
      .put(2, joined(shifted(control, 6), page))
      .put(3, subpage)
      .put(7, parameter_length, 2)
      .take();
}

Outcome<SendDiagnostic> SendDiagnostic::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kSendDiagnostic));
  return SendDiagnostic{
      .page_format = bit_at(c, 1, 4), .self_test = bit_at(c, 1, 2), .parameter_length = u16_at(c, 3)};
}
Bytes SendDiagnostic::encode() const {
  return Builder(Opcode::kSendDiagnostic, 6, joined(flag(page_format, 4), flag(self_test, 2)))
      .put(3, parameter_length, 2)
      .take();
}

Outcome<ReceiveDiagnostic> ReceiveDiagnostic::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kReceiveDiagnostic));
  return ReceiveDiagnostic{
      .page_code_valid = bit_at(c, 1, 0), .page = c[2], .allocation_length = u16_at(c, 3)};
}
Bytes ReceiveDiagnostic::encode() const {
  return Builder(Opcode::kReceiveDiagnostic, 6, flag(page_code_valid, 0))
      .put(2, page)
      .put(3, allocation_length, 2)
      .take();
}

Outcome<PersistentReserveIn> PersistentReserveIn::decode(ByteView cdb) {
  const auto action = action_of(cdb);
  const auto c = TRY(checked(cdb, Opcode::kPersistentReserveIn, action));
  return PersistentReserveIn{.action = static_cast<ReservationReport>(action),
                             .allocation_length = u16_at(c, 7)};
}
Bytes PersistentReserveIn::encode() const {
  return Builder(Opcode::kPersistentReserveIn, 10, static_cast<std::uint8_t>(action))
      .put(7, allocation_length, 2)
      .take();
}

Outcome<PersistentReserveOut> PersistentReserveOut::decode(ByteView cdb) {
  const auto action = action_of(cdb);
  const auto c = TRY(checked(cdb, Opcode::kPersistentReserveOut, action));
  return PersistentReserveOut{.action = static_cast<ReservationAction>(action),
                              .scope = bits_at(c, 2, 4, 4),
                              .type = bits_at(c, 2, 0, 4),
                              .parameter_length = u32_at(c, 5)};
}
Bytes PersistentReserveOut::encode() const {
  return Builder(Opcode::kPersistentReserveOut, 10, static_cast<std::uint8_t>(action))
      .put(2, joined(shifted(scope, 4), type))
      .put(5, parameter_length, 4)
      .take();
}

Outcome<ReportOperationCodes> ReportOperationCodes::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kMaintenanceIn, service_action::kReportOperationCodes));
  const auto options = bits_at(c, 2, 0, 3);
  if (options > 3) return invalid_in_cdb(2, 2);
  return ReportOperationCodes{.timeouts = bit_at(c, 2, 7),
                              .options = options,
                              .opcode = c[3],
                              .action = u16_at(c, 4),
                              .allocation_length = u32_at(c, 6)};
}
Bytes ReportOperationCodes::encode() const {
  return Builder(Opcode::kMaintenanceIn, 12, service_action::kReportOperationCodes)
      .put(2, joined(flag(timeouts, 7), options))
      .put(3, opcode)
      .put(4, action, 2)
      .put(6, allocation_length, 4)
      .take();
}

Outcome<ReportTaskManagement> ReportTaskManagement::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kMaintenanceIn, service_action::kReportTaskManagement));
  return ReportTaskManagement{.extended = bit_at(c, 2, 7), .allocation_length = u32_at(c, 6)};
}
Bytes ReportTaskManagement::encode() const {
  return Builder(Opcode::kMaintenanceIn, 12, service_action::kReportTaskManagement)
      .put(2, flag(extended, 7))
      .put(6, allocation_length, 4)
      .take();
}

Outcome<ReportTimestamp> ReportTimestamp::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kMaintenanceIn, service_action::kTimestamp));
  return ReportTimestamp{.allocation_length = u32_at(c, 6)};
}
Bytes ReportTimestamp::encode() const {
  return Builder(Opcode::kMaintenanceIn, 12, service_action::kTimestamp).put(6, allocation_length, 4).take();
}

Outcome<SetTimestamp> SetTimestamp::decode(ByteView cdb) {
  const auto c = TRY(checked(cdb, Opcode::kMaintenanceOut, service_action::kTimestamp));
  return SetTimestamp{.parameter_length = u32_at(c, 6)};
}
Bytes SetTimestamp::encode() const {
  return Builder(Opcode::kMaintenanceOut, 12, service_action::kTimestamp).put(6, parameter_length, 4).take();
}

}  // namespace tapewarden::scsi
