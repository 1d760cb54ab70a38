// The commands of a changer about its elements: READ ELEMENT STATUS, INITIALIZE ELEMENT STATUS, MOVE MEDIUM,
// EXCHANGE MEDIUM, POSITION TO ELEMENT.
#include <algorithm>

#include "tape/device/changer_state.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::ElementType;

// Bytes for the T10 identifier of a drive: vendor 8, product 16, serial up to 12.
constexpr std::uint8_t kIdentifierRoom = 36;

// Elements of one type that a READ ELEMENT STATUS asks for.
struct Wanted {
  ElementType type;
  std::uint16_t first;
  std::uint16_t count;
};

// In ascending order of addresses; at most `cdb.count` altogether.
std::vector<Wanted> wanted_elements(const scsi::ElementAddressAssignment& layout,
                                    const scsi::ReadElementStatus& cdb) {
  std::vector<Wanted> wanted;
  std::uint32_t left = cdb.count;
  for (const auto type : layout.in_order()) {
    if (cdb.type != ElementType::kAll && cdb.type != type) continue;
    const auto& range = layout.range_of(type);
    const std::uint32_t end = std::uint32_t{range.first} + range.count;
    const std::uint32_t first = std::max(range.first, cdb.first);
    if (first >= end || left == 0) continue;
    const auto count = std::min(end - first, left);
    wanted.push_back({type, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(count)});
    left -= count;
  }
  return wanted;
}

// The page with as many whole descriptors as fit into `room` bytes, which shrink by what it takes.
scsi::ElementPage page_of(const ElementRobot& robot, const Wanted& wanted, const scsi::ReadElementStatus& cdb,
                          std::size_t& room) {
  scsi::ElementPage page{.type = wanted.type, .volume_tags = cdb.volume_tags, .available = wanted.count};
  if (cdb.device_ids && wanted.type == ElementType::kDataTransfer) page.identifier_room = kIdentifierRoom;
  const auto each = page.descriptor_bytes();
  if (room < scsi::kElementHeaderBytes + each) {
    room = 0;
    return page;
  }
  const auto fitting = (room - scsi::kElementHeaderBytes) / each;
  const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(fitting, wanted.count));
  for (std::uint16_t i = 0; i < count; ++i)
    page.descriptors.push_back(robot.describe(static_cast<std::uint16_t>(wanted.first + i)));
  room = count < wanted.count ? 0 : room - scsi::kElementHeaderBytes - count * each;
  return page;
}

// A transport that a CDB names: 0 is always right.
scsi::Outcome<void> check_transport(const ElementRobot& robot, std::uint16_t address) {
  if (address != 0 && robot.layout().type_of(address) != ElementType::kTransport)
    return scsi::check(codes::kInvalidElementAddress);
  return {};
}

// An element that can hold a cartridge.
scsi::Outcome<void> check_holder(const ElementRobot& robot, std::uint16_t address) {
  const auto type = robot.layout().type_of(address);
  if (!type || *type == ElementType::kTransport) return scsi::check(codes::kInvalidElementAddress);
  return {};
}

}  // namespace

scsi::Outcome<scsi::Response> read_element_status(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReadElementStatus::decode(command.cdb));
  const auto wanted = wanted_elements(changer.robot.layout(), cdb);
  scsi::ElementStatusData data;
  std::size_t room = cdb.allocation_length > scsi::kElementHeaderBytes
                         ? cdb.allocation_length - scsi::kElementHeaderBytes
                         : 0;
  for (const auto& part : wanted) {
    if (data.available == 0) data.first_address = part.first;
    data.available = static_cast<std::uint16_t>(data.available + part.count);
    data.pages.push_back(page_of(changer.robot, part, cdb, room));
  }
  return good_cut(data.encode(), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> initialize_element_status(Changer::State& changer,
                                                        const scsi::Command& command) {
  const auto cdb = TRY(scsi::InitializeElementStatus::decode(command.cdb));
  if (cdb.range && !changer.robot.layout().type_of(cdb.first))
    return scsi::check(codes::kInvalidElementAddress);
  TRY(changer.robot.audit());
  return scsi::good();
}

scsi::Outcome<scsi::Response> move_medium(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::MoveMedium::decode(command.cdb));
  if (cdb.invert) return scsi::invalid_in_cdb(10, 0);  // no cartridge here has two sides
  TRY(check_transport(changer.robot, cdb.transport));
  TRY(check_holder(changer.robot, cdb.source));
  TRY(check_holder(changer.robot, cdb.destination));
  TRY(changer.robot.move(cdb.source, cdb.destination));
  return scsi::good();
}

scsi::Outcome<scsi::Response> exchange_medium(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ExchangeMedium::decode(command.cdb));
  if (cdb.invert) return scsi::invalid_in_cdb(10, 1);
  TRY(check_transport(changer.robot, cdb.transport));
  TRY(check_holder(changer.robot, cdb.source));
  TRY(check_holder(changer.robot, cdb.first_destination));
  TRY(check_holder(changer.robot, cdb.second_destination));
  TRY(changer.robot.exchange(cdb.source, cdb.first_destination, cdb.second_destination));
  return scsi::good();
}

scsi::Outcome<scsi::Response> position_to_element(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::PositionToElement::decode(command.cdb));
  if (cdb.invert) return scsi::invalid_in_cdb(8, 0);
  TRY(check_transport(changer.robot, cdb.transport));
  if (!changer.robot.layout().type_of(cdb.destination)) return scsi::check(codes::kInvalidElementAddress);
  return scsi::good();  // a transport of files is everywhere
}

}  // namespace tapewarden::tape
