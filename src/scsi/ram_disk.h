// A disk in memory (SBC-3, direct access block device): something to try a transport with, as disks are what
// initiators' test programs know. Holds nothing beyond its own life; no key and no tape is involved.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "scsi/logical_unit.h"

namespace tapewarden::scsi {

inline constexpr std::size_t kRamDiskBlock = 512;
inline constexpr std::uint64_t kMaxRamDiskBlocks = (std::uint64_t{4} << 30) / kRamDiskBlock;
inline constexpr std::uint32_t kRamDiskMaxTransferBlocks = (8U << 20) / kRamDiskBlock;

class RamDisk final : public LogicalUnit {
 public:
  // REQUIRES: 1 <= blocks <= kMaxRamDiskBlocks. `serial`: printable, told by VPD pages 80h and 83h.
  RamDisk(std::uint64_t blocks, std::string serial);

  // `data_out_used` is what the CDB asked for, also where that is more than what was sent: the transport
  // reports the difference as overflow.
  Response execute(const Command& command) override;
  void nexus_lost(NexusId nexus) override;
  void reset() override;

 private:
  struct Entry;
  struct Extent {
    std::uint64_t first = 0;
    std::uint64_t blocks = 0;
  };
  using Reply = Outcome<Response>;
  using Handler = Reply (RamDisk::*)(const Command& command);

  static std::span<const Entry> table();
  static const Entry* find(ByteView cdb);
  std::optional<Response> in_the_way(const Entry& entry, NexusId nexus);

  Reply test_unit_ready(const Command& command);
  Reply request_sense(const Command& command);
  Reply inquiry(const Command& command);
  Reply mode_sense(const Command& command);
  Reply read_capacity10(const Command& command);
  Reply read_capacity16(const Command& command);
  Reply read(const Command& command);
  Reply write(const Command& command);
  Reply verify(const Command& command);
  Reply write_verify(const Command& command);
  Reply write_same(const Command& command);
  Reply compare_and_write(const Command& command);
  Reply or_write(const Command& command);
  Reply prefetch(const Command& command);
  Reply synchronize(const Command& command);
  Reply reserve6(const Command& command);
  Reply release6(const Command& command);
  Reply report_opcodes(const Command& command);

  // Address and length of a CDB of any size, within the disk.
  Outcome<Extent> extent_of(ByteView cdb) const;
  MutableByteView bytes_of(Extent extent);
  void store(Extent extent, ByteView data);
  Bytes vpd_page(std::uint8_t page) const;

  const std::uint64_t blocks_;
  const std::string serial_;
  Bytes data_;
  std::map<NexusId, SenseCode> attentions_;
  std::set<NexusId> known_;
  std::optional<NexusId> reserved_by_;
};

}  // namespace tapewarden::scsi
