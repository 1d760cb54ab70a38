#include "words.h"

#include "scsi/mode.h"
#include "scsi/position.h"

namespace tapewarden::suite::words {
namespace {

constexpr std::size_t kShortPosition = 20;
constexpr std::size_t kLongPosition = 32;

std::string number(std::int64_t value) {
  return " " + std::to_string(value);
}

}  // namespace

Step plain(std::string words, Bytes cdb, std::size_t room, Bytes out) {
  Step step;
  step.words = std::move(words);
  step.cdb = [cdb = std::move(cdb)](const Places&) { return cdb; };
  step.room = room;
  step.out = std::move(out);
  return step;
}

std::string want(bool holds, const std::string& complaint) {
  return holds ? std::string() : complaint;
}
Bytes block(std::uint8_t seed, std::size_t bytes) {
  return pattern(seed, bytes);
}
Bytes beginning(Bytes block, std::size_t bytes) {
  block.resize(bytes);
  return block;
}

Step ready() {
  return plain("TEST UNIT READY", scsi::plain_cdb(scsi::Opcode::kTestUnitReady));
}
Step inquiry(std::uint16_t room) {
  return plain("INQUIRY", scsi::Inquiry{.allocation_length = room}.encode(), room);
}
Step vital_page(std::uint8_t page) {
  const scsi::Inquiry cdb{.vital_product_data = true, .page = page, .allocation_length = 255};
  return plain("INQUIRY page " + to_hex(Bytes{page}), cdb.encode(), 255);
}
Step request_sense() {
  return plain("REQUEST SENSE", scsi::RequestSense{.allocation_length = 96}.encode(), 96);
}
Step mode_sense(std::uint8_t page, std::uint8_t room) {
  const scsi::ModeSense cdb{.page = page, .allocation_length = room};
  return plain("MODE SENSE page " + to_hex(Bytes{page}), cdb.encode(), room);
}
Step prevent_removal() {
  return plain("PREVENT", scsi::PreventAllow{.prevent = true}.encode());
}
Step allow_removal() {
  return plain("ALLOW", scsi::PreventAllow{.prevent = false}.encode());
}
Step reserve() {
  return plain("RESERVE", scsi::plain_cdb(scsi::Opcode::kReserve6));
}
Step release() {
  return plain("RELEASE", scsi::plain_cdb(scsi::Opcode::kRelease6));
}

Step write(std::uint32_t bytes, std::uint8_t seed) {
  return plain("WRITE" + number(bytes), scsi::Write6{.transfer_length = bytes}.encode(), 0,
               pattern(seed, bytes));
}
Step write_fixed(std::uint32_t blocks, std::uint8_t seed) {
  return plain("WRITE fixed" + number(blocks),
               scsi::Write6{.fixed = true, .transfer_length = blocks}.encode(), 0,
               pattern(seed, std::size_t{blocks} * kFixed));
}
Step read(std::uint32_t bytes) {
  return plain("READ" + number(bytes), scsi::Read6{.transfer_length = bytes}.encode(), bytes);
}
Step read_silent(std::uint32_t bytes) {
  const scsi::Read6 cdb{.suppress_incorrect_length = true, .transfer_length = bytes};
  return plain("READ SILI" + number(bytes), cdb.encode(), bytes);
}
Step read_fixed(std::uint32_t blocks) {
  return plain("READ fixed" + number(blocks), scsi::Read6{.fixed = true, .transfer_length = blocks}.encode(),
               std::size_t{blocks} * kFixed);
}
Step filemarks(std::uint32_t count) {
  return plain("WRITE FILEMARKS" + number(count), scsi::WriteFilemarks{.count = count}.encode());
}
Step rewind() {
  return plain("REWIND", scsi::Rewind{}.encode());
}
Step space(scsi::SpaceCode code, std::int32_t count) {
  const char* names[] = {"blocks", "filemarks", "sequential filemarks", "to end of data"};
  Bytes cdb{0x11, static_cast<std::uint8_t>(code), 0, 0, 0, 0};
  const auto bits = static_cast<std::uint32_t>(count);
  for (unsigned i = 0; i < 3; ++i) cdb[2 + i] = static_cast<std::uint8_t>((bits >> (16U - 8U * i)) & 0xffU);
  return plain(std::string("SPACE ") + names[static_cast<unsigned>(code)] + number(count), cdb);
}
Step locate(std::uint32_t object) {
  ByteWriter cdb;
  cdb.u8(0x2b).zeros(2).u32(object).zeros(3);
  return plain("LOCATE(10)" + number(object), cdb.take());
}
Step locate16(std::uint64_t object) {
  ByteWriter cdb;
  cdb.u8(0x92).zeros(3).u64(object).zeros(4);
  return plain("LOCATE(16)" + number(static_cast<std::int64_t>(object)), cdb.take());
}
Step locate_file(std::uint64_t file) {
  ByteWriter cdb;
  cdb.u8(0x92).u8(0x08).zeros(2).u64(file).zeros(4);
  return plain("LOCATE(16) file" + number(static_cast<std::int64_t>(file)), cdb.take());
}
Step position() {
  return plain("READ POSITION", scsi::ReadPosition{}.encode(), kShortPosition);
}
Step at(std::uint64_t object) {
  return position().look([object](const Answer& answer, const Places&) {
    const auto data = scsi::PositionData::decode(answer.data, scsi::PositionForm::kShort);
    if (!data) return data.error().text();
    return want(data->logical_object == object && data->beginning_of_partition == (object == 0),
                "position " + std::to_string(data->logical_object) + ", not " + std::to_string(object));
  });
}
Step at_long(std::uint64_t object, std::uint64_t file) {
  return plain("READ POSITION long", scsi::ReadPosition{.form = scsi::PositionForm::kLong}.encode(),
               kLongPosition)
      .look([object, file](const Answer& answer, const Places&) {
        const auto data = scsi::PositionData::decode(answer.data, scsi::PositionForm::kLong);
        if (!data) return data.error().text();
        return want(data->logical_object == object && data->file_number == file,
                    "position " + std::to_string(data->logical_object) + " in file " +
                        std::to_string(data->file_number));
      });
}
Step erase() {
  return plain("ERASE", scsi::Erase6{.whole_medium = true}.encode());
}
Step load() {
  return plain("LOAD", scsi::LoadUnload{.load = true}.encode());
}
Step unload() {
  return plain("UNLOAD", scsi::LoadUnload{}.encode());
}
Step block_limits() {
  return plain("READ BLOCK LIMITS", scsi::plain_cdb(scsi::Opcode::kReadBlockLimits), 6);
}
Step density_support(bool mounted) {
  const scsi::ReportDensitySupport cdb{.mounted = mounted, .allocation_length = 1024};
  return plain(mounted ? "REPORT DENSITY SUPPORT media" : "REPORT DENSITY SUPPORT", cdb.encode(), 1024);
}
Step log_sense(std::uint8_t page) {
  return plain("LOG SENSE page " + to_hex(Bytes{page}),
               scsi::LogSense{.page = page, .allocation_length = 4096}.encode(), 4096);
}
Step select_block_length(std::uint32_t bytes) {
  ByteWriter list;
  list.u8(0).u8(0).u8(0x10).u8(8).u8(0).u24(0).u8(0).u24(bytes);
  const scsi::ModeSelect cdb{.parameter_length = static_cast<std::uint16_t>(list.size())};
  return plain("MODE SELECT block length" + number(bytes), cdb.encode(), 0, list.take());
}
Step block_length_is(std::uint32_t bytes) {
  return mode_sense(0x00).look([bytes](const Answer& answer, const Places&) {
    const auto data = scsi::ModeParameters::decode(answer.data, false);
    if (!data) return data.error().text();
    if (!data->descriptor) return std::string("no block descriptor");
    return want(data->descriptor->block_length == bytes,
                "block length " + std::to_string(data->descriptor->block_length));
  });
}

Address slot(unsigned number) {
  return [number](const Places& places) { return places.slot(number); };
}
Address drive(unsigned number) {
  return [number](const Places& places) { return places.drive(number); };
}
Address port() {
  return [](const Places& places) { return places.port(); };
}
Address transport() {
  return [](const Places& places) { return places.transport(); };
}
Address nowhere() {
  return [](const Places& places) { return places.nowhere(); };
}

namespace {
Step of_changer(std::string words, std::function<Bytes(const Places&)> cdb, std::size_t room = 0) {
  Step step;
  step.words = std::move(words);
  step.unit = Unit::kChanger;
  step.cdb = std::move(cdb);
  step.room = room;
  return step;
}
}  // namespace

Step move(Address from, Address to) {
  return of_changer("MOVE MEDIUM", [from, to](const Places& places) {
    return scsi::MoveMedium{
        .transport = places.transport(), .source = from(places), .destination = to(places)}
        .encode();
  });
}
Step exchange(Address source, Address first, Address second) {
  return of_changer("EXCHANGE MEDIUM", [source, first, second](const Places& places) {
    return scsi::ExchangeMedium{.transport = places.transport(),
                                .source = source(places),
                                .first_destination = first(places),
                                .second_destination = second(places)}
        .encode();
  });
}
Step position_to(Address element) {
  return of_changer("POSITION TO ELEMENT", [element](const Places& places) {
    return scsi::PositionToElement{.transport = places.transport(), .destination = element(places)}.encode();
  });
}
Step initialize() {
  return of_changer("INITIALIZE ELEMENT STATUS",
                    [](const Places&) { return scsi::InitializeElementStatus{}.encode(); });
}
Step element_status(scsi::ElementType type, bool tags, bool identifiers, std::uint16_t room) {
  return of_changer(
      "READ ELEMENT STATUS",
      [=](const Places&) {
        return scsi::ReadElementStatus{.volume_tags = tags,
                                       .type = type,
                                       .count = 0xffff,
                                       .device_ids = identifiers,
                                       .allocation_length = room}
            .encode();
      },
      room);
}

Result<scsi::ElementStatusData> elements_of(const Answer& answer) {
  auto exact = scsi::ElementStatusData::decode(answer.data);
  if (exact) return exact;
  auto padded = answer.data;
  padded.resize(padded.size() + scsi::kElementHeaderBytes);
  return scsi::ElementStatusData::decode(padded);
}

}  // namespace tapewarden::suite::words
