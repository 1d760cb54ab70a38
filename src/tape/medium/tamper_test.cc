// What happens when bytes change under the reader, by accident or by somebody who can compute checksums.
#include <algorithm>
#include <functional>
#include <limits>

#include "base/crc32c.h"
#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/record.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimEnv;

struct Placed {
  std::uint64_t offset;
  RecordHeader header;
};

// Every record of an undamaged file.
std::vector<Placed> records_of(const Bytes& file) {
  std::vector<Placed> out;
  std::uint64_t offset = kDataStart;
  while (offset + kHeaderBytes <= file.size()) {
    const auto header = decode_header(ByteView(file).subspan(offset));
    if (!header) break;
    out.push_back({offset, *header});
    offset += header->total_bytes();
  }
  return out;
}

std::vector<Placed> data_records_of(const Bytes& file) {
  auto all = records_of(file);
  std::erase_if(all, [](const Placed& placed) { return placed.header.type != RecordType::kData; });
  return all;
}

// As a tamperer would: checksums made to fit again.
void fix_checksums(Bytes& file, std::uint64_t offset, const RecordHeader& changed) {
  RecordHeader header = changed;
  header.payload_crc = crc32c(ByteView(file).subspan(offset + kHeaderBytes, header.body_bytes()));
  copy_bytes(MutableByteView(file).subspan(offset), encode_header(header));
}

// Clear and sealed records in three sessions, and what a reader must see.
std::vector<Bytes> fill(Cartridge& tape) {
  std::vector<Bytes> objects;
  const auto write = [&](std::uint32_t number) {
    done(tape.write_record(record(number)));
    objects.push_back(record(number));
  };
  const auto mark = [&] {
    done(tape.write_filemarks(1));
    objects.emplace_back();
  };
  write(1);
  mark();
  done(tape.set_write_session(sealed_with(key(1))));
  write(2);
  write(3);
  mark();
  write(4);
  done(tape.set_write_session(sealed_with(key(1))));
  write(5);
  write(6);
  return objects;
}

struct ReadBack {
  unsigned good = 0;
  unsigned failed = 0;
};

// Reads object after object, locating past what fails; every object either is right or fails with an error
// that names a place.
ReadBack read_each(Cartridge& tape, const std::vector<Bytes>& objects) {
  ReadBack out;
  for (std::uint64_t number = 0; number < objects.size(); ++number) {
    const Status located = tape.locate(number);
    const auto view = located ? tape.read_record() : Result<RecordView>(std::unexpected(located.error()));
    if (!view) {
      EXPECT_EQ(view.error().code, ErrorCode::kCorrupt) << view.error().text();
      EXPECT_NE(view.error().message.find("offset"), std::string::npos) << view.error().text();
      ++out.failed;
      continue;
    }
    EXPECT_NE(view->kind, BlockKind::kEndOfData) << "object " << number << " vanished";
    EXPECT_TRUE(equal(view->data, objects[number])) << "object " << number << " is not what was written";
    ++out.good;
  }
  return out;
}

TEST(Tamper, D4_EveryFlippedByteIsFoundOrHarmless) {
  SimEnv sim(21);
  auto tape = make(sim);
  const std::vector<Bytes> objects = fill(*tape);
  done(tape->unload());
  tape.reset();
  const Bytes original = sim.disk.content(kPath);
  std::vector<std::uint64_t> places;
  for (std::uint64_t at = 0; at < kDataStart; at += at < 300 || (at >= 4096 && at < 4400) ? 1 : 997)
    places.push_back(at);
  for (std::uint64_t at = kDataStart; at < original.size(); ++at) places.push_back(at);
  unsigned harmless = 0;
  unsigned found = 0;
  for (const std::uint64_t at : places) {
    SCOPED_TRACE("byte " + std::to_string(at));
    Bytes& file = sim.disk.content(kPath);
    file[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
    for (const CartridgeMode mode : {CartridgeMode::kRead, CartridgeMode::kReadWrite}) {
      auto opened = Cartridge::open(sim.env(), kPath, mode);
      if (!opened) {
        EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
        ++found;
        continue;
      }
      (*opened)->set_read_key(key(1));
      const ReadBack result = read_each(**opened, objects);
      EXPECT_GE(result.good, objects.size() - 4);  // one byte costs a record or a session, not the cartridge
      ++(result.failed > 0 ? found : harmless);
    }
    file[at] = original[at];
  }
  RecordProperty("places", static_cast<int>(places.size()));
  std::printf("flipped %zu bytes: %u opens found it, %u harmless\n", places.size(), found, harmless);
  EXPECT_GT(found, 1000U);
}

TEST(Tamper, D4_VerifyFindsEveryFlippedByteOfTheRecords) {
  SimEnv sim(22);
  auto tape = make(sim);
  fill(*tape);
  done(tape->unload());
  tape.reset();
  const Bytes original = sim.disk.content(kPath);
  VerifyOptions with_key;
  with_key.keys = {key(1)};
  const VerifyReport clean = take(verify(sim.env(), kPath, with_key));
  EXPECT_TRUE(clean.good()) << clean.to_text();
  EXPECT_TRUE(clean.closed);
  EXPECT_EQ(clean.tags_unchecked, 0U);
  EXPECT_GE(clean.tags_checked, 7U);
  for (std::uint64_t at = kDataStart; at < original.size(); at += 3) {
    Bytes& file = sim.disk.content(kPath);
    file[at] ^= 0x40;
    EXPECT_FALSE(take(verify(sim.env(), kPath)).good()) << "byte " << at;
    EXPECT_FALSE(take(verify(sim.env(), kPath, with_key)).good()) << "byte " << at;
    file[at] = original[at];
  }
  for (const std::uint64_t at : {0U, 5000U, 8200U, 24600U}) {
    Bytes& file = sim.disk.content(kPath);
    file[at] ^= 0x40;
    const VerifyReport report = take(verify(sim.env(), kPath));
    EXPECT_EQ(report.good(), equal(ByteView(original).subspan(at & ~std::uint64_t{4095}, 4), Bytes(4))) << at;
    file[at] = original[at];
  }
}

TEST(Tamper, D4_WrongKeyAndTamperingAreToldApart) {
  SimEnv sim(23);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  for (std::uint32_t i = 0; i < 6; ++i) done(tape->write_record(record(i)));
  done(tape->unload());
  Bytes& file = sim.disk.content(kPath);
  const auto placed = data_records_of(file);
  ASSERT_EQ(placed.size(), 6U);
  file[placed[2].offset + kHeaderBytes + 10] ^= 1;
  fix_checksums(file, placed[2].offset, placed[2].header);

  tape = reopen(sim);
  tape->set_read_key(key(2));
  EXPECT_EQ(tape->read_record().error().detail, detail(MediumFault::kKeyDiffers));
  tape->set_read_key(key(1));
  done(tape->locate(2));
  const auto tampered = tape->read_record();
  EXPECT_EQ(tampered.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(tampered.error().detail, detail(MediumFault::kTagMismatch));
  EXPECT_EQ(tape->position().logical_object, 3U);  // past it
  EXPECT_EQ(to_bytes(take(tape->read_record()).data), record(3));

  VerifyOptions options;
  EXPECT_TRUE(take(verify(sim.env(), kPath, options)).good());  // checksums fit: only the key tells
  options.keys = {key(2)};
  EXPECT_EQ(take(verify(sim.env(), kPath, options)).faults.at(0).kind, FaultKind::kWrongKey);
  options.keys = {key(2), key(1)};
  const VerifyReport report = take(verify(sim.env(), kPath, options));
  ASSERT_EQ(report.faults.size(), 1U) << report.to_text();
  EXPECT_EQ(report.faults[0].kind, FaultKind::kTampering);
  EXPECT_EQ(report.faults[0].logical_object, 2U);
  EXPECT_EQ(report.faults[0].offset, placed[2].offset);
}

TEST(Tamper, D4_EveryHeaderFieldIsAuthenticated) {
  SimEnv sim(24);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  for (std::uint32_t i = 0; i < 3; ++i) done(tape->write_record(record(i)));
  done(tape->unload());
  tape.reset();
  const Bytes original = sim.disk.content(kPath);
  const Placed target = data_records_of(original).at(1);
  for (std::size_t at = 4; at < 56; ++at) {
    Bytes& file = sim.disk.content(kPath);
    file = original;
    file[target.offset + at] ^= 1;
    const std::uint32_t crc = crc32c(ByteView(file).subspan(target.offset, 60));
    for (std::size_t i = 0; i < 4; ++i)
      file[target.offset + 60 + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    auto reader = reopen(sim, CartridgeMode::kRead);
    reader->set_read_key(key(1));
    const auto content = read_all(*reader);
    EXPECT_FALSE(content) << "header byte " << at;
    const bool version = at == 4;  // another one is not called damage
    EXPECT_TRUE(content || content.error().code == (version ? ErrorCode::kUnsupported : ErrorCode::kCorrupt))
        << "header byte " << at;
  }
}

// A cartridge of equal-sized sealed records whose file the test rearranges.
class Rearranged : public ::testing::Test {
 protected:
  void SetUp() override {
    tape_ = make(sim_);
    done(tape_->set_write_session(sealed_with(key(1))));
    for (std::uint32_t i = 0; i < 8; ++i) done(tape_->write_record(record(i)));
    done(tape_->unload());
    tape_.reset();
    placed_ = data_records_of(file());
    size_ = placed_[0].header.total_bytes();
  }
  Bytes& file() { return sim_.disk.content(kPath); }
  MutableByteView at(std::size_t number) {
    return MutableByteView(file()).subspan(placed_[number].offset, size_);
  }
  // Whatever lies at `number` gets the header that the place asks for.
  void disguise(std::size_t number) { fix_checksums(file(), placed_[number].offset, placed_[number].header); }
  void expect_refused(std::size_t number) {
    auto reader = reopen(sim_, CartridgeMode::kRead);
    reader->set_read_key(key(1));
    const Status located = reader->locate(number);
    const auto view = located ? reader->read_record() : Result<RecordView>(std::unexpected(located.error()));
    ASSERT_FALSE(view) << "object " << number;
    EXPECT_EQ(view.error().code, ErrorCode::kCorrupt) << view.error().text();
    VerifyOptions options;
    options.keys = {key(1)};
    const VerifyReport report = take(verify(sim_.env(), kPath, options));
    EXPECT_FALSE(report.good());
    EXPECT_TRUE(std::ranges::any_of(report.faults, [](const auto& f) {
      return f.kind == FaultKind::kTampering;
    })) << report.to_text();
  }

  SimEnv sim_{25};
  std::unique_ptr<Cartridge> tape_;
  std::vector<Placed> placed_;
  std::uint64_t size_ = 0;
};

TEST_F(Rearranged, D4_SwappedRecords) {
  const Bytes two = to_bytes(at(2));
  copy_bytes(at(2), to_bytes(at(5)));
  copy_bytes(at(5), two);
  expect_refused(2);  // as they are
  disguise(2);
  disguise(5);
  expect_refused(2);  // with headers that fit their new places
  expect_refused(5);
}

TEST_F(Rearranged, D4_TheWholeLinkIsSealed) {
  // The half of the tag before that no header repeats, with checksums that fit.
  at(3)[size_ - 1] ^= 1;
  disguise(3);
  expect_refused(3);
  expect_refused(4);
}

TEST_F(Rearranged, D4_DuplicatedRecord) {
  copy_bytes(at(4), to_bytes(at(3)));
  expect_refused(4);
  disguise(4);
  expect_refused(4);
}

TEST_F(Rearranged, D4_DeletedRecord) {
  // Records 4 to 7 and what follows move up by one, headers made to fit as well as they can be.
  const auto from = placed_[4].offset;
  Bytes moved(file().begin() + static_cast<std::ptrdiff_t>(from), file().end());
  file().resize(placed_[3].offset);
  file().insert(file().end(), moved.begin(), moved.end());
  for (std::size_t i = 3; i < 7; ++i) {
    RecordHeader header = placed_[i].header;
    if (i > 3) {
      Link link{};
      copy_bytes(link, ByteView(file()).subspan(placed_[i].offset - kTagBytes, kTagBytes));
      header.previous_link = head_of(link);
    }
    fix_checksums(file(), placed_[i].offset, header);
  }
  expect_refused(3);
}

TEST_F(Rearranged, D4_RecordsOfAnotherSessionOrCartridge) {
  for (const bool same_volume : {true, false}) {
    SimEnv other(same_volume ? 26 : 27);
    CartridgeSpec spec = small_spec();
    if (same_volume) spec.volume = reopen(sim_, CartridgeMode::kRead)->identity().volume;
    auto tape = make(other, spec);
    done(tape->set_write_session(sealed_with(key(1))));
    for (std::uint32_t i = 0; i < 8; ++i) done(tape->write_record(record(i + 100)));
    done(tape->unload());
    const Bytes& foreign = other.disk.content(kPath);
    const auto places = data_records_of(foreign);
    const Bytes original = file();
    copy_bytes(at(3), ByteView(foreign).subspan(places[3].offset, size_));
    expect_refused(3);
    disguise(3);
    expect_refused(3);
    file() = original;
  }
}

TEST_F(Rearranged, D4_AClearRecordDoesNotPassInASealedSession) {
  RecordHeader header = placed_[3].header;
  header.encrypted = false;
  header.host_length = header.stored_length = static_cast<std::uint32_t>(size_ - kHeaderBytes);
  fix_checksums(file(), placed_[3].offset, header);
  expect_refused(3);
}

// A slot of copy 2 as somebody would leave it who can compute checksums.
void forge_key_slot(SimEnv& sim, std::uint64_t generation) {
  copy_bytes(MutableByteView(sim.disk.content(kPath)).subspan(key_slot_offset(2, 1), kKeySlotBytes),
             encode_key_slot({generation, {}}));
}

SessionSpec sealed_with_eedk(std::uint8_t seed, const std::string& eedk) {
  SessionSpec spec = sealed_with(key(seed));
  spec.key_info.method = KeyMethod::kWrappedKey;
  spec.key_info.eedks = {to_bytes(eedk)};
  return spec;
}

TEST(Tamper, D4_AForgedGenerationDoesNotOutliveTheNextEedks) {
  for (const std::uint64_t forged : {std::numeric_limits<std::uint64_t>::max(), kMaxGeneration + 1}) {
    SimEnv sim(3);
    auto tape = make(sim);
    done(tape->set_write_session(sealed_with_eedk(1, "old")));
    done(tape->write_record(record(1)));
    done(tape->unload());
    tape.reset();
    forge_key_slot(sim, forged);
    tape = reopen(sim);
    EXPECT_EQ(tape->key_info().info.eedks, std::vector<Bytes>{to_bytes("old")}) << "it is not believed";
    done(tape->set_write_session(sealed_with_eedk(2, "new")));
    done(tape->write_record(record(2)));
    done(tape->unload());
    tape = reopen(sim);
    EXPECT_EQ(tape->key_info().info.eedks, std::vector<Bytes>{to_bytes("new")});
    for (const auto& copy : tape->key_info().copies) EXPECT_TRUE(copy.good());
  }
}

TEST(Tamper, D4_WithTheLastGenerationTakenNoRecordIsWrittenWithoutItsEedks) {
  SimEnv sim(3);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with_eedk(1, "old")));
  done(tape->write_record(record(1)));
  done(tape->unload());
  tape.reset();
  forge_key_slot(sim, kMaxGeneration);
  tape = reopen(sim);
  done(tape->set_write_session(sealed_with_eedk(2, "new")));
  const auto written = tape->write_record(record(2));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kExhausted);
  EXPECT_FALSE(tape->writable());
  EXPECT_FALSE(contains(sim.disk.content(kPath), as_bytes("new")));
  EXPECT_TRUE(data_records_of(sim.disk.content(kPath)).empty());
}

TEST(Tamper, D4_NoAreaTakesAGenerationBeyondItsLimit) {
  SimEnv sim(3);
  const auto tape = make(sim);
  auto block = decode_superblock(ByteView(sim.disk.content(kPath)).first(kSuperblockBytes));
  ASSERT_TRUE(block);
  for (const std::uint64_t generation : {std::uint64_t{0}, kMaxGeneration + 1}) {
    block->generation = generation;
    EXPECT_FALSE(decode_superblock(encode_superblock(*block)));
    EXPECT_FALSE(decode_memory_slot(encode_memory_slot({generation, {}})));
    EXPECT_FALSE(decode_key_slot(encode_key_slot({generation, {}})));
  }
  block->generation = kMaxGeneration;
  EXPECT_TRUE(decode_superblock(encode_superblock(*block)));
  EXPECT_TRUE(decode_memory_slot(encode_memory_slot({kMaxGeneration, {}})));
  EXPECT_TRUE(decode_key_slot(encode_key_slot({kMaxGeneration, {}})));
}

TEST(Tamper, D4_GarbageIsNoCartridge) {
  SimEnv sim(28);
  const auto put = [&](Bytes content) {
    const auto file = take(sim.disk.open("garbage", OpenMode::kCreate, 0600));
    done(file->truncate(0));
    done(file->write_at(0, content));
    return Cartridge::open(sim.env(), "garbage", CartridgeMode::kRead);
  };
  EXPECT_EQ(put({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(put(to_bytes("short")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(put(Bytes(2U << 20)).error().code, ErrorCode::kInvalidArgument);
  Bytes noise(2U << 20);
  sim.random.fill(noise);
  EXPECT_EQ(put(noise).error().code, ErrorCode::kInvalidArgument);
  Bytes magic_only(2U << 20);
  copy_bytes(magic_only, as_bytes("TWSUPERB"));
  EXPECT_EQ(put(magic_only).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(inspect(sim.env(), "garbage").error().code, ErrorCode::kCorrupt);
}

TEST(Tamper, D4_MutatedFilesNeverGiveWrongData) {
  SimEnv sim(29);
  auto tape = make(sim);
  const std::vector<Bytes> objects = fill(*tape);
  done(tape->unload());
  tape.reset();
  const Bytes original = sim.disk.content(kPath);
  tapewarden::testing::SimRandom random(77);
  for (int round = 0; round < 3000; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Bytes& file = sim.disk.content(kPath);
    file = original;
    const std::uint64_t base = random.below(4) == 0 ? 0 : kDataStart;
    for (std::uint64_t change = 0; change <= random.below(3); ++change) {
      const std::uint64_t at = base + random.below(std::min<std::uint64_t>(file.size() - base, 8192));
      const std::uint64_t from = base + random.below(std::min<std::uint64_t>(file.size() - base, 8192));
      const std::uint64_t count =
          1 + random.below(std::min(file.size() - std::max(at, from), std::size_t{400}));
      if (random.below(3) == 0)
        random.fill(MutableByteView(file).subspan(at, std::min(count, file.size() - at)));
      else
        copy_bytes(MutableByteView(file).subspan(at), to_bytes(ByteView(file).subspan(from, count)));
    }
    if (random.below(5) == 0) file.resize(kDataStart + random.below(file.size() - kDataStart));
    auto opened = Cartridge::open(sim.env(), kPath, CartridgeMode::kRead);
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
      continue;
    }
    (*opened)->set_read_key(key(1));
    read_each(**opened, objects);
    EXPECT_TRUE(inspect(sim.env(), kPath).has_value());
    VerifyOptions options;
    options.keys = {key(1)};
    EXPECT_TRUE(verify(sim.env(), kPath, options).has_value());
  }
}

TEST(Tamper, D4_ATruncatedFileIsAnErrorNotAnEnd) {
  SimEnv sim(30);
  auto tape = make(sim);
  const std::vector<Bytes> objects = fill(*tape);
  done(tape->unload());
  tape.reset();
  const Bytes original = sim.disk.content(kPath);
  const Placed index = records_of(original).back();
  ASSERT_EQ(index.header.type, RecordType::kIndex);
  for (std::size_t length = kDataStart; length < original.size(); length += 41) {
    sim.disk.content(kPath).assign(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length));
    const auto writing = Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite);
    ASSERT_FALSE(writing);
    EXPECT_EQ(writing.error().code, ErrorCode::kCorrupt);
    auto reading = reopen(sim, CartridgeMode::kRead);
    reading->set_read_key(key(1));
    const auto content = read_all(*reading);
    // A cut within the payload of the index, the last record, takes no object away.
    EXPECT_EQ(content.has_value(), length >= index.offset + kHeaderBytes) << length;
    EXPECT_TRUE(!content || *content == objects);
    const VerifyReport report = take(verify(sim.env(), kPath));
    EXPECT_TRUE(
        std::ranges::any_of(report.faults, [](const auto& f) { return f.kind == FaultKind::kTruncated; }));
  }
}

}  // namespace
}  // namespace tapewarden::tape
