// The backup of the catalogue as a file: everything comes back, and what is damaged is refused.
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "engine/catalogue/catalogue_test_kit.h"
#include "engine/rebuild/file_catalogue_backup.h"
#include "engine/rebuild/limits.h"
#include "engine/rebuild/record_fields.h"
#include "engine/rebuild/record_file.h"
#include "engine/stack/stack_test_kit.h"

namespace tapewarden::engine {
namespace {

using test::done;
using test::take;
using testing::Box;

constexpr std::string_view kMagic = "TWTESTED";

LogicalVolume full_volume() {
  auto volume = testing::written_volume("LV0001", 9);
  volume.volume = Uuid::from(Bytes(16, 2));
  volume.storage_group = "PAYROLL";
  volume.management_class = "TWICE";
  volume.deleted_generation = 3;
  volume.stamp = Bytes(40, 8);
  volume.cache_file = 12;
  volume.cached_bytes = 0;
  volume.capacity_bytes = 1U << 30;
  volume.preference = 0;
  volume.primary = Copy{"A00001L9", 1, 4, 77, 5000, 9};
  volume.secondary = Copy{"A00002L9", 1, 1, 2, 5001, 8};
  volume.primary_pool = 4;
  volume.secondary_pool = 5;
  volume.inserted = from_millis(1);
  volume.written = from_millis(2);
  volume.accessed = from_millis(3);
  volume.scratched = from_millis(4);
  volume.delete_after = from_millis(5);
  return volume;
}

PhysicalVolume full_cartridge() {
  auto out = testing::cartridge("A00001L9", 3, CartridgeState::kFull);
  out.volume = Uuid::from(Bytes(16, 4));
  out.kind = MediumKind::k3592;
  out.home_pool = 0;
  out.borrowed = true;
  out.encryption = MediumEncryption::kWrapped;
  out.labels = {KeyLabel{"June 2026 key", LabelMode::kHash}, KeyLabel{"DR site key", LabelMode::kClear}};
  out.alias = "KEY000000001";
  out.written_bytes = 123'456'789'012;
  out.next_file = 300;
  out.library = "LIB1";
  out.first_written = from_millis(10);
  out.last_written = from_millis(11);
  out.last_accessed = from_millis(12);
  out.last_inactivated = from_millis(13);
  out.full_since = from_millis(14);
  out.erase_first = true;
  out.rekey.labels = {KeyLabel{"July 2026 key", LabelMode::kClear}, KeyLabel{"DR 2", LabelMode::kHash}};
  out.move = {MoveRequest::When::kWhenEligible, 7};
  out.note = "from the cellar";
  return out;
}

TEST(CatalogueBackup, T12_EveryValueComesBack) {
  const auto volume = full_volume();
  EXPECT_EQ(take(decode_volume(encode_record(volume))), volume);
  const auto cartridge = full_cartridge();
  EXPECT_EQ(take(decode_cartridge(encode_record(cartridge))), cartridge);
  auto pool = default_pools()[6];
  pool.name = "payroll";
  pool.media = MediumKind::k3592;
  pool.borrow = Borrow::kBorrowAndKeep;
  pool.reclaim_pool = 8;
  pool.encryption = PoolEncryption::kWrapped;
  pool.labels = cartridge.labels;
  pool.secure_erase_days = 30;
  pool.reclaim = {20, 30, 40, 50, 60};
  pool.max_drives = 2;
  EXPECT_EQ(take(decode_pool(encode_record(pool))), pool);
  for (const auto& plain : default_pools()) EXPECT_EQ(take(decode_pool(encode_record(plain))), plain);
  const StorageGroup group{"PAYROLL", 4, "wages"};
  EXPECT_EQ(take(decode_storage_group(encode_record(group))), group);
  const ManagementClass management{"TWICE", 0, ""};
  EXPECT_EQ(take(decode_management_class(encode_record(management))), management);
  const WithdrawnVolume withdrawn{"LV0002", 5};
  EXPECT_EQ(take(decode_withdrawn(encode_record(withdrawn))), withdrawn);
}

TEST(CatalogueBackup, T12_ACartridgesRecordOfBeforeHasNothingAskedForOnIt) {
  auto cartridge = full_cartridge();
  cartridge.erase_first = false;
  cartridge.rekey = {};
  const auto before = encode_record(cartridge);
  EXPECT_EQ(take(decode_cartridge(before)), cartridge);
  cartridge.erase_first = true;
  cartridge.rekey.labels = {KeyLabel{"New key", LabelMode::kHash}, KeyLabel{}};
  const auto now = encode_record(cartridge);
  EXPECT_EQ(Bytes(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(before.size())), before)
      << "what is new stands behind it, in fields that an earlier program skips";
  EXPECT_EQ(take(decode_cartridge(now)), cartridge);
}

TEST(CatalogueBackup, T12_FieldsOfALaterProgramAreSkippedUnlessTheyMustBeKnown) {
  const auto volume = testing::scratch_volume("LV0001");
  auto body = encode_record(volume);
  const auto more = [&](std::uint16_t tag) {
    FieldWriter field;
    field.number(tag, 5);
    auto longer = body;
    const auto bytes = field.take();
    longer.insert(longer.end(), bytes.begin(), bytes.end());
    return longer;
  };
  EXPECT_EQ(take(decode_volume(more(0x7FFF))), volume);
  EXPECT_EQ(decode_volume(more(0x8000)).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decode_volume(more(1)).error().code, ErrorCode::kCorrupt);  // twice there
  EXPECT_TRUE(tell_record(0x7FFF, body, {}));
  EXPECT_EQ(tell_record(0x8000, body, {}).error().code, ErrorCode::kUnsupported);
}

TEST(CatalogueBackup, T12_ValuesThatNoCatalogueHasAreRefused) {
  auto volume = full_volume();
  volume.volser = "lower";
  EXPECT_EQ(decode_volume(encode_record(volume)).error().code, ErrorCode::kCorrupt);
  volume = full_volume();
  volume.deleted_generation = 10;
  EXPECT_EQ(decode_volume(encode_record(volume)).error().code, ErrorCode::kCorrupt);
  auto cartridge = full_cartridge();
  cartridge.pool = 33;
  EXPECT_EQ(decode_cartridge(encode_record(cartridge)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_withdrawn(encode_record(WithdrawnVolume{"LV0001", 0})).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_storage_group({}).error().code, ErrorCode::kCorrupt);
  const auto body = encode_record(full_volume());
  for (std::size_t length = 0; length < body.size(); ++length)
    (void)decode_volume(ByteView(body).first(length));  // ends well or in an error
}

struct File : ::testing::Test {
  tapewarden::testing::SimEnv sim{5};

  void write(std::size_t records) {
    auto out = take(RecordFileWriter::create(sim.disk, "file", kMagic, as_bytes("header")));
    for (std::size_t i = 0; i < records; ++i)
      done(out.append(static_cast<std::uint16_t>(i % 9), Bytes(i % 300, 7)));
    done(out.finish());
  }
  Result<std::size_t> read() {
    auto in = TRY(RecordFileReader::open(sim.disk, "file", kMagic));
    EXPECT_EQ(as_text(in.header_fields()), "header");
    std::size_t count = 0;
    while (const auto record = TRY(in.next())) {
      EXPECT_EQ(record->kind, count % 9);
      EXPECT_EQ(record->body, Bytes(count % 300, 7));
      ++count;
    }
    return count;
  }
};

TEST_F(File, T12_ManyRecordsGoThroughOneChunkOfMemory) {
  for (const std::size_t records : {0U, 1U, 5000U}) {
    write(records);
    EXPECT_EQ(take(read()), records);
  }
  EXPECT_LT(sim.disk.content("file").size(), 200'000U);  // compressed: 750 kB of records
}

TEST_F(File, T12_EveryFlippedByteAndEveryCutIsFound) {
  write(40);
  const auto whole = sim.disk.content("file");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    sim.disk.content("file")[i] ^= 0x10;
    auto in = RecordFileReader::open(sim.disk, "file", kMagic);
    Result<std::optional<Record>> record = Record();
    while (in && record && *record) record = in->next();
    EXPECT_FALSE(in && record) << i;
    sim.disk.content("file") = whole;
  }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    sim.disk.content("file") = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    auto in = RecordFileReader::open(sim.disk, "file", kMagic);
    Result<std::optional<Record>> record = Record();
    while (in && record && *record) record = in->next();
    EXPECT_FALSE(in && record) << length;
  }
  sim.disk.content("file") = whole;
  sim.disk.content("file").push_back(0);
  EXPECT_EQ(read().error().code, ErrorCode::kCorrupt);
}

TEST_F(File, T12_AnotherFileAndALaterVersionAreToldApart) {
  write(1);
  EXPECT_EQ(RecordFileReader::open(sim.disk, "file", "TWOTHERS").error().code, ErrorCode::kInvalidArgument);
  sim.disk.content("file")[kRecordFileMagicBytes + 1] = kRecordFileVersion + 1;
  EXPECT_EQ(RecordFileReader::open(sim.disk, "file", kMagic).error().code, ErrorCode::kUnsupported);
}

TEST_F(File, T12_AChunkThatClaimsMoreThanItHoldsIsRefused) {
  const auto chunk = pack_chunk(Bytes(1000, 1));
  const auto packed = ByteView(chunk).subspan(8, chunk.size() - 12);
  EXPECT_EQ(take(unpack_chunk({1000, packed})), Bytes(1000, 1));
  EXPECT_EQ(unpack_chunk({999, packed}).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unpack_chunk({1001, packed}).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unpack_chunk({0, packed}).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unpack_chunk({kMaxChunkBytes + 1, packed}).error().code, ErrorCode::kCorrupt);
}

TEST(CatalogueBackup, T12_TheBackupHoldsTheWholeCatalogueAndNoKeyOfTheCache) {
  Box box;
  const crypto::SecretBytes key = crypto::SecretBytes::copy_of(Bytes(32, 9));
  ASSERT_TRUE(box.put(testing::cartridge("A00001L9"), testing::cartridge("A00002L9"),
                      StorageGroup{"PAYROLL", 1, ""}, ManagementClass{"TWICE", 2, ""}));
  for (int i = 0; i < 1500; ++i)
    ASSERT_TRUE(i % 500 != 0 || box->change([&](CatalogueChange& change) -> Status {
      for (int n = i; n < i + 500; ++n) {
        auto volume = testing::scratch_volume("V" + std::to_string(n + 10'000));
        volume.generation = volume.deleted_generation = 1;
        TRY(change.put(volume));
      }
      return {};
    }));
  auto volume = full_volume();
  ASSERT_TRUE(box.put_cached(volume));
  ASSERT_TRUE(
      box->change([](CatalogueChange& change) -> Status { return change.withdraw_volume("V10001"); }));
  FileCatalogueBackup backup(box.env(), *box, Uuid::from(Bytes(16, 1)), box.folder());
  const auto path = take(backup.make());
  EXPECT_NE(take(backup.make()), path);
  std::size_t volumes = 0;
  std::vector<std::string> others;
  BackupReaders readers;
  readers.volume = [&](const LogicalVolume& found) -> Status {
    ++volumes;
    if (found.volser == volume.volser) {
      EXPECT_EQ(found, volume);
    }
    return {};
  };
  readers.cartridge = [&](const PhysicalVolume& found) -> Status {
    others.push_back(found.barcode);
    return {};
  };
  readers.withdrawn = [&](const WithdrawnVolume& found) -> Status {
    others.push_back(found.volser);
    return {};
  };
  readers.deleted = [&](const DeletedVolume& found) -> Status {
    others.push_back("deleted " + found.volser);
    return {};
  };
  readers.pool = [&](const Pool& found) -> Status {
    EXPECT_EQ(found, default_pools().at(found.number));
    return {};
  };
  readers.storage_group = [&](const StorageGroup& found) -> Status {
    others.push_back(found.name);
    return {};
  };
  const auto header = take(read_catalogue_image(*box.env().disk, path, readers));
  EXPECT_EQ(header, (BackupHeader{Uuid::from(Bytes(16, 1)), box.now()}));
  EXPECT_EQ(take(read_backup_header(*box.env().disk, path)), header);
  EXPECT_EQ(volumes, 1500U);
  EXPECT_EQ(others, (std::vector<std::string>{"--------", "PAYROLL", "A00001L9", "A00002L9", "V10001",
                                              "deleted LV0001", "deleted V10001"}));
  const auto bytes = take(read_file(*box.env().disk, path, 1U << 20));
  EXPECT_LT(bytes.size(), 60'000U);
}

}  // namespace
}  // namespace tapewarden::engine
