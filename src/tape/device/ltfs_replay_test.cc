// What LTFS sends to a drive, step by step: making a volume (mkltfs), mounting it in append-only mode,
// writing a file, synchronizing, unmounting, and looking at it again. The CDBs and parameter lists were
// written by hand from what its sg driver is known to send; LTFS itself has not run against the drive.
#include <functional>

#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape {
namespace {

using namespace test;

constexpr std::uint32_t kBlockBytes = 0x80000;  // of LTFS' data blocks
constexpr std::uint64_t kMedium = 256U << 20;
const std::string kAlias = "LTF" + std::string("\x00\x00\x00\x00\x00\x00\x00\x00\x01", 9);

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

struct Step {
  const char* why;
  std::string cdb;  // hex
  Bytes data{};
  scsi::SenseCode told{};  // none: GOOD
};

// What the two partitions hold, as LTFS writes them.
struct Volume {
  Bytes label = block(1, 80);  // VOL1
  Bytes xml_label = block(2, 1114);
  Bytes index = block(3, 4711);  // the index that mkltfs writes
  Bytes later_index = block(4, 6007);
  Bytes file = block(5, kBlockBytes);
  Bytes file_end = block(6, 1234);
};

class Replay : public Bench {
 public:
  explicit Replay(bool encrypted) : Bench({}, MediumKind::kLto, nullptr, kMedium), encrypted_(encrypted) {}

  scsi::Response step(const Step& wanted) {
    const auto cdb = hex(wanted.cdb);
    auto response = run(cdb, wanted.data);
    if (wanted.told == scsi::SenseCode{}) {
      EXPECT_EQ(response.status, scsi::ScsiStatus::kGood) << wanted.why << ": " << response.sense.text();
    } else {
      EXPECT_EQ(response.sense.code, wanted.told) << wanted.why << ": " << response.sense.text();
    }
    return response;
  }
  void steps(std::initializer_list<Step> all) {
    for (const auto& one : all) step(one);
  }
  // TEST UNIT READY until the drive says that it is, or that the cartridge is to be loaded: three times at
  // most.
  void look_ready(bool loaded) {
    scsi::SenseCode told = codes::kMediumMayHaveChanged;
    for (int i = 0; i < 3 && told.key == scsi::SenseKey::kUnitAttention; ++i)
      told = sense_of(run(hex("000000000000")));
    EXPECT_EQ(told, loaded ? scsi::SenseCode{} : codes::kInitializingCommandRequired);
  }
  // READ POSITION, long form, after every motion and filemark.
  void expect_position(std::uint32_t partition, std::uint64_t object) {
    const auto data = step({"where is it", "34060000000000000000"}).data_in;
    ASSERT_EQ(data.size(), 32U);
    ByteReader in(ByteView(data).subspan(4));
    EXPECT_EQ(in.u32("partition").value(), partition);
    EXPECT_EQ(in.u64("object").value(), object);
  }
  // MODE SENSE(10), a change of the bytes, MODE SELECT(10) of as many bytes as were asked for.
  void change_page(const char* why, const std::string& page, std::uint8_t bytes,
                   const std::function<void(Bytes&)>& change) {
    const std::string size = to_hex(Bytes{0, bytes, 0});
    auto data = step({why, "5a00" + page + "000000" + size}).data_in;
    data.resize(bytes);
    data[0] = data[1] = 0;
    change(data);
    step({why, "5510" + std::string("0000000000") + size, data});
  }
  void write_block(const char* why, const Bytes& data) {
    step({why, "0a00" + to_hex(ByteWriter().u24(static_cast<std::uint32_t>(data.size())).view()) + "00",
          data});
  }
  void read_block(const char* why, const Bytes& wanted) {
    EXPECT_TRUE(step({why, "0802" + to_hex(ByteWriter().u24(kBlockBytes).view()) + "00"}).data_in == wanted)
        << why;
  }
  void read_filemark(const char* why) { step({why, "080208000000", {}, codes::kFilemarkDetected}); }
  void locate(const char* why, bool change, std::uint8_t partition, std::uint64_t object) {
    ByteWriter cdb;
    cdb.u8(0x92).u8(change ? 2 : 0).u8(0).u8(partition).u64(object).zeros(4);
    step({why, to_hex(cdb.view())});
    expect_position(partition, object);
  }
  void to_end_of_data(std::uint8_t partition, std::uint64_t object) {
    step({"end of data of a partition: an object that no tape has",
          "920200" + to_hex(Bytes{partition}) + "ffffffffffffffff00000000",
          {},
          codes::kEndOfDataDetected});
    expect_position(partition, object);
  }
  void filemark(bool immediate, std::uint32_t partition, std::uint64_t object) {
    step({"filemark", immediate ? "100100000100" : "100000000100"});
    expect_position(partition, object);
  }
  void space_filemarks(std::int64_t count) {
    ByteWriter cdb;
    cdb.u8(0x91).u8(1).zeros(2).u64(static_cast<std::uint64_t>(count)).zeros(4);
    step({"SPACE(16) by filemarks", to_hex(cdb.view())});
  }
  // The parameter list says the length of everything, its own four bytes included.
  void write_attribute(std::uint8_t partition, std::uint16_t id, std::uint8_t format, const Bytes& value) {
    ByteWriter list;
    list.u32(static_cast<std::uint32_t>(9 + value.size())).u16(id).u8(format).bytes16(value);
    ByteWriter cdb;
    cdb.u8(0x8d).u8(1).zeros(5).u8(partition).zeros(2).u32(static_cast<std::uint32_t>(list.size())).zeros(2);
    step({"attribute", to_hex(cdb.view()), list.take()});
  }
  std::optional<Bytes> read_attribute(std::uint8_t partition, std::uint16_t id, std::uint8_t size) {
    ByteWriter cdb;
    cdb.u8(0x8c).zeros(6).u8(partition).u16(id).u32(size + 9U).zeros(2);
    const auto response = run(cdb.view());
    if (!response.good()) return {};
    const ByteView data(response.data_in);
    EXPECT_EQ(data.size(), size + 9U);
    EXPECT_EQ(to_hex(data.subspan(4, 2)), to_hex(ByteWriter().u16(id).view()));
    return to_bytes(data.subspan(9));
  }
  // Volume change reference, and the coherency of both partitions that rests on it.
  void write_coherency(std::uint64_t generation, std::uint64_t index_block_0, std::uint64_t index_block_1) {
    reference_ = read_attribute(0, 0x0009, 4).value();
    for (const std::uint8_t partition : Bytes{1, 0}) {
      ByteWriter value;
      value.u8(8).u32(0).bytes(reference_).u64(generation);
      value.u64(partition == 0 ? index_block_0 : index_block_1).u16(43);
      value.text("LTFS").u8(0).text("30a91a08-daae-48d1-ae75-69804e61d2ea").u8(0).u8(1);
      write_attribute(partition, 0x080c, 0, value.take());
    }
    EXPECT_EQ(read_attribute(0, 0x0009, 4), reference_) << "writing attributes is no change of the volume";
  }
  void expect_coherent() {
    EXPECT_EQ(read_attribute(0, 0x0009, 4), reference_);
    for (const std::uint8_t partition : Bytes{0, 1}) {
      const auto value = read_attribute(partition, 0x080c, 70);
      ASSERT_TRUE(value);
      EXPECT_EQ(to_bytes(ByteView(*value).subspan(5, 4)), reference_) << "nothing was written since";
    }
  }
  void set_key(bool on) {
    if (!encrypted_) return;
    step({"who manages keys (page 25h)", "5a002500000000003000"});
    ByteWriter page;
    page.u16(0x0010).u16(on ? 64 : 16).u8(0x40).u8(0x00).u8(on ? 2 : 0).u8(on ? 3 : 0).u8(1).u8(0).u8(0);
    page.zeros(7).u16(on ? 32 : 0);
    if (on) page.bytes(key_bytes(3)).u8(0x01).u8(0).u16(12).text(kAlias);
    step({"SPOUT: encrypt and mixed, CEEM 00, a key identifier of 12 bytes",
          "b52000100000" + to_hex(ByteWriter().u32(static_cast<std::uint32_t>(page.size())).view()) + "0000",
          page.take()});
  }
  // The block that could not be read names its key: page 0021h, first its length, then all of it.
  void find_key() {
    const auto head = step({"SPIN 0021h, four bytes", "a2200021000000000004" + std::string("0000")}).data_in;
    ASSERT_EQ(head.size(), 4U);
    const auto size = static_cast<std::uint32_t>(head[2] << 8U | head[3]);
    const auto all =
        step({"SPIN 0021h, whole", "a22000210000" + to_hex(ByteWriter().u32(size + 4).view()) + "0000"})
            .data_in;
    ASSERT_GE(all.size(), 16U);
    EXPECT_EQ(all[12] & 0x0fU, 6U) << "encrypted, the key is not here";
    EXPECT_NE(as_text(all).find(kAlias), std::string_view::npos);
  }

  void open_drive() {
    const bool loaded = drive->cartridge() != nullptr;
    steps({{"who is it", "120000006000"},
           {"its serial number", "12018000ff00"},
           {"which commands, how long they take", "a30c80000000000010000000"},
           {"register, whatever was", "5f060000000000001800", registration()},
           {"reserve: exclusive access", "5f010300000000001800", holding()},
           {"let the cartridge go", "1e0000000000"}});
    look_ready(loaded);
  }
  void close_drive() {
    set_key(false);
    steps({{"let the cartridge go", "1e0000000000"},
           {"release", "5f020300000000001800", holding()},
           {"take the key back", "5f060000000000001800", Bytes(24)}});
  }
  void load() {
    step({"LOAD", "1b0000000100"});
    look_ready(true);
    expect_position(0, 0);
    const auto pages = step({"all pages: type and density of the medium", "5a003f0000000000ff00"}).data_in;
    EXPECT_EQ(pages[2], 0x98) << "a data cartridge of LTO-9";
    EXPECT_EQ(pages[8], 0x60);
    step({"keep the cartridge", "1e0000000100"});
    change_page("no block protection", "0af0", 48, [](Bytes& data) { data[20] = data[21] = data[22] = 0; });
    set_key(false);
    steps({{"capacities", "4d005700000000ffff00"},
           {"write protection", "5a001000000000002000"},
           {"largest block", "050000000000"},
           {"early warning of hosts", "5a001001000000003000"}});
  }
  void unload() {
    steps({{"let the cartridge go", "1e0000000000"},
           {"REWIND", "010000000000"},
           {"UNLOAD", "1b0000000000"},
           {"nothing loaded", "000000000000", {}, codes::kInitializingCommandRequired}});
    change_page("append-only mode off", "1001", 48, [](Bytes& data) { data[21] = 0; });
  }

  bool encrypted() const { return encrypted_; }

 private:
  static Bytes registration() { return ByteWriter().zeros(8).u64(0x10b5a3).zeros(8).take(); }
  static Bytes holding() { return ByteWriter().u64(0x10b5a3).zeros(16).take(); }
  bool encrypted_;
  Bytes reference_;
};

// Labels and the first index of one partition.
void write_partition(Replay& tape, const Volume& volume, std::uint8_t partition) {
  tape.locate("begin a partition", true, partition, 0);
  tape.write_block("VOL1", volume.label);
  tape.filemark(true, partition, 2);
  tape.write_block("XML label", volume.xml_label);
  tape.filemark(true, partition, 4);
  tape.filemark(true, partition, 5);
  tape.write_block("index", volume.index);
  tape.filemark(false, partition, 7);
}

void make_volume(Replay& tape, const Volume& volume) {
  tape.open_drive();
  tape.step({"is append-only mode on", "5a001001000000003000"});
  tape.load();
  tape.steps({{"LOAD", "1b0000000100"},
              {"SET CAPACITY: all of it", "0b0000ffff00"},
              {"ready?", "000000000000"},
              {"LOAD", "1b0000000100"}});
  tape.change_page("page 11h: two partitions, the first one unit, the second the rest", "1100", 28,
                   [](Bytes& data) {
                     EXPECT_EQ(data[17], 0x0a) << "room for two sizes also while there is one partition";
                     data[19] = 1;
                     data[20] = static_cast<std::uint8_t>(0x20U | (data[20] & 0x1fU));
                     data[22] = 0;
                     data[24] = 0;
                     data[25] = 1;
                     data[26] = data[27] = 0xff;
                   });
  tape.steps({{"FORMAT MEDIUM with the partitions of the page", "040001000000"},
              {"type and density", "5a003f0000000000ff00"}});
  tape.change_page("compression", "0f00", 32, [](Bytes& data) { data[18] |= 0x80; });
  tape.set_key(true);
  write_partition(tape, volume, 1);
  write_partition(tape, volume, 0);
  tape.write_coherency(1, 5, 5);
  tape.write_attribute(0, 0x0800, 1, to_bytes("IBM     "));
  tape.write_attribute(0, 0x0803, 2, Bytes(160, ' '));
  tape.write_attribute(0, 0x0805, 0, Bytes{0x81});
  tape.write_attribute(0, 0x080b, 1, to_bytes("2.4.0           "));
  tape.close_drive();
}

// Labels of both partitions, then the last index of one: how a mount begins.
void read_label(Replay& tape, const Volume& volume, std::uint8_t partition, bool first) {
  tape.locate("labels", partition != 0 || !first, partition, 0);
  if (first && tape.encrypted()) {
    tape.step({"VOL1, without its key", "080208000000", {}, codes::kUnableToDecrypt});
    tape.find_key();
    tape.set_key(true);
  }
  tape.read_block("VOL1", volume.label);
  tape.read_filemark("behind VOL1");
  tape.read_block("XML label", volume.xml_label);
  tape.read_filemark("behind the XML label");
}

void read_last_index(Replay& tape, std::uint8_t partition, std::uint64_t end, const Bytes& index) {
  tape.to_end_of_data(partition, end);
  tape.space_filemarks(-2);
  tape.space_filemarks(1);
  tape.read_block("index", index);
  tape.read_filemark("behind the index");
}

void begin_mount(Replay& tape, const Volume& volume, bool append_only) {
  tape.open_drive();
  if (append_only) {
    tape.step({"to the beginning", "1b0000000100"});
    tape.change_page("append-only mode on", "1001", 48, [](Bytes& data) {
      data[16] &= 0x7f;
      data[21] = static_cast<std::uint8_t>((data[21] & 0x0fU) | 0x10U);
    });
  }
  tape.change_page("half of the index partition is the hosts' early warning", "1001", 48,
                   [](Bytes& data) { data[23] = 3; });
  tape.load();
  read_label(tape, volume, 0, true);
  read_label(tape, volume, 1, false);
  tape.step({"is each end of data there: used capacities", "4d005700000000ffff00"});
  tape.expect_coherent();
  EXPECT_FALSE(tape.read_attribute(0, 0x1623, 1)) << "no lock status: the field is refused, not another told";
}

class Ltfs : public ::testing::TestWithParam<bool> {};

TEST_P(Ltfs, L3_WhatMkltfsMountSyncUnmountAndCheckSend) {
  const Volume volume;
  Replay tape(GetParam());
  make_volume(tape, volume);

  begin_mount(tape, volume, true);
  read_last_index(tape, 1, 7, volume.index);
  read_last_index(tape, 0, 7, volume.index);
  // A file into the data partition, and the index behind it.
  tape.to_end_of_data(1, 7);
  for (int i = 0; i < 3; ++i) tape.write_block("file", volume.file);
  tape.write_block("end of the file", volume.file_end);
  tape.filemark(true, 1, 12);
  tape.write_block("index", volume.later_index);
  tape.filemark(false, 1, 14);
  // The index partition keeps one index: it is overwritten where that is allowed.
  tape.locate("the index that is to go", true, 0, 4);
  tape.step({"not without leave", "100100000100", {}, codes::kWriteAppendPosition});
  tape.step({"ALLOW OVERWRITE here", "82000100000000000000000400000000"});
  tape.filemark(true, 0, 5);
  tape.write_block("index", volume.later_index);
  tape.filemark(false, 0, 7);
  tape.write_coherency(2, 5, 13);
  tape.unload();
  tape.close_drive();

  // ltfsck, and a mount that finds everything in order.
  begin_mount(tape, volume, false);
  read_last_index(tape, 0, 7, volume.later_index);
  read_last_index(tape, 1, 14, volume.later_index);
  tape.locate("a block of the file", false, 1, 8);
  tape.read_block("file", volume.file);
  tape.locate("its end", false, 1, 10);
  tape.read_block("end of the file", volume.file_end);
  tape.step({"ERASE behind a lost end of data, which this is not", "190000000000"});
  tape.unload();
  tape.close_drive();

  // mkltfs --wipe: one partition again.
  tape.open_drive();
  tape.load();
  tape.locate("beginning", false, 0, 0);
  tape.step({"FORMAT MEDIUM, default", "040000000000"});
  EXPECT_EQ(tape.drive->cartridge()->partitions(), 1);
}

INSTANTIATE_TEST_SUITE_P(ClearAndEncrypted, Ltfs, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Encrypted" : "Clear"; });

}  // namespace
}  // namespace tapewarden::tape
