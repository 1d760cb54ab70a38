#include "scsi/ram_disk.h"

#include <algorithm>

#include "base/assert.h"
#include "scsi/fields.h"
#include "scsi/ram_disk_table.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {

namespace {

constexpr std::uint8_t kServiceActionBits = 0x1f;

bool has_service_action(std::uint8_t opcode) {
  return opcode == 0x9e || opcode == 0xa3;
}

}  // namespace

std::span<const RamDisk::Entry> RamDisk::table() {
  constexpr bool kAnyTime = true;
  constexpr bool kShared = true;
  constexpr auto kNone = kNoServiceAction;
  using R = RamDisk;
  static constexpr auto kTable = std::to_array<Entry>({
      {0x00, kNone, 6, {}, &R::test_unit_ready},
      {0x03, kNone, 6, {0, 1, 0, 0, 0xff}, &R::request_sense, kAnyTime, kShared},
      {0x08, kNone, 6, {0, 0x1f, 0xff, 0xff, 0xff}, &R::read},
      {0x12, kNone, 6, {0, 1, 0xff, 0xff, 0xff}, &R::inquiry, kAnyTime, kShared},
      {0x16, kNone, 6, {}, &R::reserve6},
      {0x17, kNone, 6, {}, &R::release6, false, kShared},
      {0x1a, kNone, 6, {0, 0x08, 0xff, 0xff, 0xff}, &R::mode_sense},
      {0x25, kNone, 10, {0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1}, &R::read_capacity10, false, kShared},
      {0x28, kNone, 10, {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::read},
      {0x2a, kNone, 10, {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::write},
      {0x2e, kNone, 10, {0, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::write_verify},
      {0x2f, kNone, 10, {0, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::verify},
      {0x34, kNone, 10, {0, 0x02, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::prefetch},
      {0x35, kNone, 10, {0, 0x06, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::synchronize},
      {0x41, kNone, 10, {0, 0xe0, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff}, &R::write_same},
      {0x5a, kNone, 10, {0, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff}, &R::mode_sense},
      {0x88,
       kNone,
       16,
       {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::read},
      {0x89,
       kNone,
       16,
       {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0xff, 0x1f},
       &R::compare_and_write},
      {0x8a,
       kNone,
       16,
       {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::write},
      {0x8b,
       kNone,
       16,
       {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::or_write},
      {0x8e,
       kNone,
       16,
       {0, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::write_verify},
      {0x8f,
       kNone,
       16,
       {0, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::verify},
      {0x90,
       kNone,
       16,
       {0, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::prefetch},
      {0x91,
       kNone,
       16,
       {0, 0x06, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::synchronize},
      {0x93,
       kNone,
       16,
       {0, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f},
       &R::write_same},
      {0x9e,
       0x10,
       16,
       {0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
       &R::read_capacity16,
       false,
       kShared},
      {0xa3, 0x0c, 12, {0, 0x1f, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, &R::report_opcodes},
      {0xa8, kNone, 12, {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f}, &R::read},
      {0xaa, kNone, 12, {0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f}, &R::write},
      {0xae, kNone, 12, {0, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f}, &R::write_verify},
      {0xaf, kNone, 12, {0, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f}, &R::verify},
  });
  return kTable;
}

const RamDisk::Entry* RamDisk::find(ByteView cdb) {
  const auto& all = table();
  const auto found = std::ranges::find_if(all, [cdb](const Entry& entry) {
    return entry.opcode == cdb[0] && (entry.service_action == kNoServiceAction ||
                                      entry.service_action == (cdb[1] & kServiceActionBits));
  });
  return found == all.end() ? nullptr : &*found;
}

RamDisk::RamDisk(std::uint64_t blocks, std::string serial)
    : blocks_(blocks), serial_(std::move(serial)), data_(blocks * kRamDiskBlock) {
  TW_ASSERT(blocks >= 1 && blocks <= kMaxRamDiskBlocks);
}

Response RamDisk::execute(const Command& command) {
  if (command.cdb.size() < 6) return check_condition({.code = sense_codes::kInvalidOpcode});
  known_.insert(command.nexus);
  const auto* entry = find(command.cdb);
  if (entry == nullptr) {
    const bool known_opcode =
        has_service_action(command.cdb[0]) &&
        std::ranges::any_of(table(), [&](const Entry& e) { return e.opcode == command.cdb[0]; });
    return check_condition(known_opcode ? invalid_in_cdb(1, 4).error()
                                        : Sense{.code = sense_codes::kInvalidOpcode});
  }
  if (auto response = in_the_way(*entry, command.nexus)) return std::move(*response);
  if (command.cdb.size() < entry->length) return check_condition(invalid_in_cdb(command.cdb.size()).error());
  const auto cdb = command.cdb.first(entry->length);
  for (std::size_t i = 1; i < cdb.size(); ++i)
    if ((cdb[i] & ~unsigned{entry->usage[i]}) != 0) return check_condition(invalid_in_cdb(i).error());
  auto reply = (this->*entry->handler)({.cdb = cdb, .nexus = command.nexus, .data_out = command.data_out});
  return reply ? std::move(*reply) : check_condition(reply.error());
}

std::optional<Response> RamDisk::in_the_way(const Entry& entry, NexusId nexus) {
  const auto attention = attentions_.find(nexus);
  if (attention != attentions_.end() && !entry.ignores_attention) {
    const auto code = attention->second;
    attentions_.erase(attention);
    return check_condition({.code = code});
  }
  if (reserved_by_ && *reserved_by_ != nexus && !entry.ignores_reservation)
    return Response{.status = ScsiStatus::kReservationConflict};
  return std::nullopt;
}

void RamDisk::nexus_lost(NexusId nexus) {
  known_.erase(nexus);
  attentions_.erase(nexus);
  if (reserved_by_ == nexus) reserved_by_.reset();
}

void RamDisk::reset() {
  reserved_by_.reset();
  for (const auto nexus : known_) attentions_[nexus] = sense_codes::kBusDeviceReset;
}

RamDisk::Reply RamDisk::test_unit_ready(const Command&) {
  return good();
}

RamDisk::Reply RamDisk::request_sense(const Command& command) {
  Sense sense;
  if (const auto attention = attentions_.extract(command.nexus); !attention.empty())
    sense.code = attention.mapped();
  auto data = bit_at(command.cdb, 1, 0) ? sense.encode_descriptor() : sense.encode_fixed();
  data.resize(std::min<std::size_t>(data.size(), command.cdb[4]));
  return good(std::move(data));
}

RamDisk::Reply RamDisk::reserve6(const Command& command) {
  reserved_by_ = command.nexus;
  return good();
}

RamDisk::Reply RamDisk::release6(const Command& command) {
  if (reserved_by_ == command.nexus) reserved_by_.reset();
  return good();
}

}  // namespace tapewarden::scsi
