// Persistent reservations: PERSISTENT RESERVE IN and OUT (SPC-4 sections 6.15 and 6.16).
#include "tape/initiator/tape_drive.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint16_t kReportLimit = 4096;  // bytes
constexpr std::uint32_t kParameterBytes = 24;
constexpr std::size_t kFlagBytes = 8;  // behind the two keys
constexpr std::size_t kKeyBytes = 8;
constexpr std::size_t kGenerationBytes = 4;
constexpr std::size_t kUnusedBytes = 5;
constexpr std::uint8_t kExclusiveAccess = 3;  // SPC-4 table 67
constexpr std::uint8_t kTypeMask = 0x0f;
constexpr std::string_view kIn = "PERSISTENT RESERVE IN";
constexpr std::string_view kOut = "PERSISTENT RESERVE OUT";

template <typename T>
TapeResult<T> understood(Result<T> value) {
  if (!value) return std::unexpected(malformed(std::move(value).error(), kIn));
  return *std::move(value);
}

// PRGENERATION, ADDITIONAL LENGTH, keys.
Result<std::vector<std::uint64_t>> keys_in(ByteView report) {
  ByteReader reader(report);
  TRY(reader.skip(kGenerationBytes, "generation"));
  const std::uint32_t length = TRY(reader.u32("additional length"));
  std::vector<std::uint64_t> keys;
  // More than the report has room for are left out.
  while (keys.size() < length / kKeyBytes && reader.remaining() >= kKeyBytes)
    keys.push_back(TRY(reader.u64("reservation key")));
  return keys;
}

// PRGENERATION, ADDITIONAL LENGTH; then nothing, or RESERVATION KEY, four obsolete bytes, one reserved, scope
// and type.
Result<std::optional<PersistentHold>> hold_in(ByteView report) {
  ByteReader reader(report);
  TRY(reader.skip(kGenerationBytes, "generation"));
  if (TRY(reader.u32("additional length")) == 0) return std::optional<PersistentHold>();
  PersistentHold hold;
  hold.key = TRY(reader.u64("reservation key"));
  TRY(reader.skip(kUnusedBytes, "reserved"));
  hold.type = static_cast<std::uint8_t>(TRY(reader.u8("type")) & kTypeMask);
  return std::optional(hold);
}

}  // namespace

TapeStatus TapeDrive::persistent_out(scsi::ReservationAction action, std::uint64_t key,
                                     std::uint64_t service_key) {
  const auto cdb = scsi::PersistentReserveOut{
      .action = action, .scope = 0, .type = kExclusiveAccess, .parameter_length = kParameterBytes};
  const auto list = ByteWriter().u64(key).u64(service_key).zeros(kFlagBytes).take();
  const auto answer = TRY(run(cdb.encode(), list, 0, timeouts_.quick));
  if (answer.status != scsi::ScsiStatus::kGood)
    return std::unexpected(tape_error(answer.status, answer.sense, kOut));
  return {};
}

TapeResult<Bytes> TapeDrive::persistent_in(scsi::ReservationReport report) {
  const auto cdb = scsi::PersistentReserveIn{.action = report, .allocation_length = kReportLimit}.encode();
  auto answer = TRY(run(cdb, {}, kReportLimit, timeouts_.quick));
  if (answer.status != scsi::ScsiStatus::kGood)
    return std::unexpected(tape_error(answer.status, answer.sense, kIn));
  return std::move(answer.data_in);
}

TapeStatus TapeDrive::register_key(std::uint64_t existing, std::uint64_t key) {
  return persistent_out(scsi::ReservationAction::kRegister, existing, key);
}

TapeStatus TapeDrive::register_whatever_there_was(std::uint64_t key) {
  return persistent_out(scsi::ReservationAction::kRegisterAndIgnore, 0, key);
}

TapeStatus TapeDrive::reserve_exclusively(std::uint64_t key) {
  return persistent_out(scsi::ReservationAction::kReserve, key, 0);
}

TapeStatus TapeDrive::preempt(std::uint64_t key, std::uint64_t whom) {
  return persistent_out(scsi::ReservationAction::kPreempt, key, whom);
}

TapeResult<std::vector<std::uint64_t>> TapeDrive::registered_keys() {
  return understood(keys_in(TRY(persistent_in(scsi::ReservationReport::kKeys))));
}

TapeResult<std::optional<PersistentHold>> TapeDrive::persistent_hold() {
  return understood(hold_in(TRY(persistent_in(scsi::ReservationReport::kReservation))));
}

}  // namespace tapewarden::tape
