#include "tape/device/log_pages.h"

#include <algorithm>

#include "base/text.h"
#include "scsi/fields.h"
#include "tape/device/density.h"

namespace tapewarden::tape {
namespace {

namespace log = scsi::log_page;
using scsi::LogPage;
using scsi::number_parameter;

constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint16_t kTapeAlertFlagCount = 64;

std::uint64_t word(std::uint64_t value) {
  return std::min<std::uint64_t>(value, 0xffffffffU);
}

// SPC-4 sections 7.3.5 and 7.3.18. A file has no retries: what is not read or written at once is an error.
LogPage error_counters(std::uint8_t page, std::uint64_t bytes, std::uint64_t uncorrected) {
  LogPage out{page, {}};
  for (std::uint16_t corrected = 0; corrected < 5; ++corrected)
    out.parameters.push_back(number_parameter(corrected, 0, 4));
  out.parameters.push_back(number_parameter(5, bytes, 8));
  out.parameters.push_back(number_parameter(6, uncorrected, 4));
  return out;
}

// SSC-4 section 8.2.3.
LogPage sequential_access(const DriveState& drive, const Traffic& traffic) {
  LogPage page{log::kSequentialAccess,
               {number_parameter(0, traffic.host_written, 8), number_parameter(1, traffic.stored_written, 8),
                number_parameter(2, traffic.stored_read, 8), number_parameter(3, traffic.host_read, 8)}};
  if (drive.cartridge) {
    const auto capacity = drive.cartridge->capacity();
    page.parameters.push_back(number_parameter(4, capacity.used_bytes / kMegabyte, 8));
    page.parameters.push_back(number_parameter(7, capacity.used_to_position_bytes / kMegabyte, 8));
  }
  page.parameters.push_back(number_parameter(0x0100, 0, 4));  // no cleaning required
  return page;
}

// SSC-4 section 8.2.4 (ADC-3 table 24): very high frequency data.
LogPage device_status(DriveState& drive, scsi::NexusId nexus) {
  const bool loaded = drive.cartridge != nullptr;
  const bool alerts = drive.alerts.active(nexus) != 0;
  ByteWriter flags;
  flags.u8(scsi::joined(scsi::flag(!drive.preventing.empty(), 7), scsi::flag(drive.compression, 4),
                        scsi::flag(loaded && drive.mounted_read_only, 3), scsi::flag(true, 0)));
  flags.u8(scsi::joined(scsi::flag(!drive.cartridge_path.empty(), 4), scsi::flag(loaded, 2),
                        scsi::flag(loaded, 1), scsi::flag(loaded, 0)));
  flags.u8(0).u8(scsi::flag(alerts, 0));  // no activity; TAFC
  return {log::kDeviceStatus, {{.code = 0, .control = 0x03, .value = flags.take()}}};
}

// SSC-4 section 8.2.6: from power-on, since nothing of a virtual drive outlives it.
LogPage device_statistics(const DriveCounters& counters) {
  return {log::kDeviceStatistics,
          {number_parameter(0x0000, counters.loads, 4), number_parameter(0x0001, 0, 4),
           number_parameter(0x000d, counters.loads - counters.loads_baseline, 4),
           number_parameter(0x000e, counters.write_failures, 4),
           number_parameter(0x000f, counters.read_failures, 4)}};
}

std::uint64_t memory_number(const Cartridge& cartridge, AttributeId id) {
  return attribute_number(cartridge.attributes(), id);
}

// A partition record for each partition (SSC-4 table 104): length, number, megabytes. What is lost cannot be
// told.
template <typename BytesOf>
scsi::LogParameter by_partition(std::uint16_t code, const Cartridge& cartridge, const BytesOf& bytes_of) {
  constexpr std::uint8_t kRecordLength = 7;  // of what follows it
  constexpr std::uint32_t kNotKnown = 0xffffffff;
  ByteWriter out;
  for (std::uint8_t part = 0; part < cartridge.partitions(); ++part) {
    const bool lost = part != 0 && cartridge.lost_partition();
    const auto value = lost ? kNotKnown
                            : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                  bytes_of(cartridge.capacity(part)) / kMegabyte, kNotKnown - 1));
    out.u8(kRecordLength).u8(0).u16(part).u32(value);
  }
  return {.code = code, .control = 0x03, .value = out.take()};
}

std::uint64_t left_of(const CapacityState& capacity) {
  return capacity.capacity_bytes - std::min(capacity.used_bytes, capacity.capacity_bytes);
}

// Of a partition that the cartridge does not have, or lost: nothing.
CapacityState capacity_or_none(const DriveState& drive, std::uint8_t partition) {
  if (!drive.cartridge || partition >= drive.cartridge->partitions()) return {};
  if (partition != 0 && drive.cartridge->lost_partition()) return {};
  return drive.cartridge->capacity(partition);
}

// SSC-4 section 8.2.8.
LogPage volume_statistics(const DriveState& drive) {
  LogPage page{log::kVolumeStatistics, {number_parameter(0x0000, drive.cartridge ? 1 : 0, 1)}};
  if (!drive.cartridge) return page;
  const auto& cartridge = *drive.cartridge;
  const auto identity = cartridge.identity();
  const auto now = Traffic::of(cartridge.stats());
  const auto used = capacity_or_none(drive, 0).used_bytes + capacity_or_none(drive, 1).used_bytes;
  const auto written = now.stored_written / kMebibyte;
  const auto read = now.stored_read / kMebibyte;
  auto& list = page.parameters;
  const auto number = [&list](std::uint16_t code, std::uint64_t value, std::size_t width) {
    list.push_back(number_parameter(code, value, width));
  };
  number(0x0001, memory_number(cartridge, attribute::kLoadCount), 4);
  number(0x000c, drive.counters.mount_write_failures, 2);
  number(0x000d, drive.counters.mount_read_failures, 2);
  number(0x000e, written, 4);
  number(0x000f, read, 4);
  number(0x0010, memory_number(cartridge, attribute::kMegabytesWrittenInLife) + written, 8);
  number(0x0011, memory_number(cartridge, attribute::kMegabytesReadInLife) + read, 8);
  number(0x0016, word(identity.capacity_bytes / kMegabyte), 4);
  number(0x0017, word(used / kMegabyte), 4);
  list.push_back(scsi::text_parameter(0x0040, identity.volume.text()));
  list.push_back(scsi::text_parameter(0x0042, identity.volser));
  number(0x0080, drive.mounted_read_only ? 1 : 0, 1);
  number(0x0081, identity.worm ? 1 : 0, 1);
  list.push_back(by_partition(0x0202, cartridge, [](const auto& c) { return c.capacity_bytes; }));
  list.push_back(by_partition(0x0203, cartridge, [](const auto& c) { return c.used_bytes; }));
  list.push_back(by_partition(0x0204, cartridge, left_of));
  return page;
}

std::uint64_t ratio_of(std::uint64_t host, std::uint64_t stored) {
  return stored == 0 ? 0
                     : std::min<std::uint64_t>(
                           host / kMebibyte * 100 / std::max<std::uint64_t>(stored / kMebibyte, 1), 0xffff);
}

// SSC-4 section 8.2.9: ratios times 100, then each amount in MiB with the bytes left over.
LogPage data_compression(const DriveState& drive, const Traffic& traffic) {
  LogPage page{log::kDataCompression,
               {number_parameter(0, ratio_of(traffic.host_read, traffic.stored_read), 2),
                number_parameter(1, ratio_of(traffic.host_written, traffic.stored_written), 2)}};
  std::uint16_t code = 2;
  for (const auto bytes :
       {traffic.host_read, traffic.stored_read, traffic.host_written, traffic.stored_written}) {
    page.parameters.push_back(number_parameter(code++, word(bytes / kMebibyte), 4));
    page.parameters.push_back(number_parameter(code++, bytes % kMebibyte, 4));
  }
  page.parameters.push_back(number_parameter(0x0100, drive.compression ? 1 : 0, 2));
  return page;
}

LogPage tape_alert(DriveState& drive, scsi::NexusId nexus) {
  const auto active = drive.alerts.active(nexus);
  drive.alerts.read_by(nexus);
  LogPage page{log::kTapeAlert, {}};
  for (std::uint16_t alert = 1; alert <= kTapeAlertFlagCount; ++alert)
    page.parameters.push_back(number_parameter(alert, active >> (kTapeAlertFlagCount - alert) & 1U, 1));
  return page;
}

// Codes and widths as IBM's LTO drives have them; data sets are blocks here.
LogPage tape_usage(const DriveState& drive) {
  const auto stats = drive.cartridge ? drive.cartridge->stats() : CartridgeStats{};
  const auto loads = drive.cartridge ? memory_number(*drive.cartridge, attribute::kLoadCount) : 0;
  return {log::kTapeUsage,
          {number_parameter(1, loads, 4), number_parameter(2, stats.records_written, 8),
           number_parameter(3, 0, 4), number_parameter(4, drive.counters.mount_write_failures, 2),
           number_parameter(5, 0, 2), number_parameter(6, 0, 2), number_parameter(7, stats.records_read, 8),
           number_parameter(8, 0, 4), number_parameter(9, drive.counters.mount_read_failures, 2),
           number_parameter(10, 0, 2), number_parameter(11, 0, 2)}};
}

LogPage tape_capacity(const DriveState& drive) {
  const auto first = capacity_or_none(drive, 0);
  const auto second = capacity_or_none(drive, 1);
  return {log::kTapeCapacity,
          {number_parameter(1, word(left_of(first) / kMebibyte), 4),
           number_parameter(2, word(left_of(second) / kMebibyte), 4),
           number_parameter(3, word(first.capacity_bytes / kMebibyte), 4),
           number_parameter(4, word(second.capacity_bytes / kMebibyte), 4)}};
}

constexpr std::array<std::uint8_t, 12> kPages = {
    log::kSupported,       log::kWriteErrors,       log::kReadErrors,       log::kSequentialAccess,
    log::kDeviceStatus,    log::kTapeAlertResponse, log::kDeviceStatistics, log::kVolumeStatistics,
    log::kDataCompression, log::kTapeAlert,         log::kTapeUsage,        log::kTapeCapacity};

}  // namespace

ByteView supported_log_pages() {
  return kPages;
}

scsi::Outcome<LogPage> log_page_of(DriveState& drive, scsi::NexusId nexus, std::uint8_t page) {
  const auto traffic = drive.counters.traffic(drive.cartridge.get());
  switch (page) {
    case log::kWriteErrors:
      return error_counters(page, traffic.stored_written, drive.counters.write_failures);
    case log::kReadErrors:
      return error_counters(page, traffic.stored_read, drive.counters.read_failures);
    case log::kSequentialAccess:
      return sequential_access(drive, traffic);
    case log::kDeviceStatus:
      return device_status(drive, nexus);
    case log::kTapeAlertResponse:
      return LogPage{page, {number_parameter(0, drive.alerts.active(nexus), 8)}};
    case log::kDeviceStatistics:
      return device_statistics(drive.counters);
    case log::kVolumeStatistics:
      return volume_statistics(drive);
    case log::kDataCompression:
      return data_compression(drive, traffic);
    case log::kTapeAlert:
      return tape_alert(drive, nexus);
    case log::kTapeUsage:
      return tape_usage(drive);
    case log::kTapeCapacity:
      return tape_capacity(drive);
    default:
      return scsi::invalid_in_cdb(2, 5);
  }
}

}  // namespace tapewarden::tape
