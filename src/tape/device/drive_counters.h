// What a drive counts from power-on: traffic, over all cartridges that it had, and failures. LOG SELECT sets
// the counters of the log pages back, not what they count. Not thread-safe; belongs to one drive.
#pragma once

#include "scsi/sense.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::tape {

struct Traffic {
  std::uint64_t host_written = 0;  // bytes
  std::uint64_t host_read = 0;
  std::uint64_t stored_written = 0;
  std::uint64_t stored_read = 0;

  static Traffic of(const CartridgeStats& stats) {
    return {stats.host_bytes_written, stats.host_bytes_read, stats.stored_bytes_written,
            stats.stored_bytes_read};
  }
  Traffic operator+(const Traffic& other) const {
    return {host_written + other.host_written, host_read + other.host_read,
            stored_written + other.stored_written, stored_read + other.stored_read};
  }
  Traffic operator-(const Traffic& other) const {
    return {host_written - other.host_written, host_read - other.host_read,
            stored_written - other.stored_written, stored_read - other.stored_read};
  }
};

struct DriveCounters {
  Traffic unloaded{};  // of cartridges that are out again
  Traffic baseline{};  // when the counters were last set back
  std::uint64_t loads = 0;
  std::uint64_t loads_baseline = 0;
  std::uint64_t write_failures = 0;  // since the counters were last set back
  std::uint64_t read_failures = 0;
  std::uint64_t mount_write_failures = 0;
  std::uint64_t mount_read_failures = 0;

  // `mounted`: of the cartridge in the drive, if any.
  Traffic since_power_on(const Cartridge* mounted) const {
    return unloaded + (mounted != nullptr ? Traffic::of(mounted->stats()) : Traffic{});
  }
  Traffic traffic(const Cartridge* mounted) const { return since_power_on(mounted) - baseline; }
  void set_back(const Cartridge* mounted) {
    baseline = baseline + traffic(mounted);
    loads_baseline = loads;
    write_failures = read_failures = 0;
  }
  void mounted() {
    ++loads;
    mount_write_failures = mount_read_failures = 0;
  }
  void unmounted(const Cartridge& cartridge) { unloaded = unloaded + Traffic::of(cartridge.stats()); }
};

}  // namespace tapewarden::tape
