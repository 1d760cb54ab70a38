#include <gmock/gmock.h>

#include "keymgr/testing/test_server.h"
#include "rescue/copy_out.h"
#include "rescue/kek_source.h"
#include "rescue/keystore_source.h"
#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/layout.h"

namespace tapewarden::rescue {
namespace {

using tape::test::done;
using tape::test::record;
using tape::test::take;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

FoundKey found(std::uint8_t seed) {
  return {
      std::make_shared<const crypto::SecretBytes>(crypto::SecretBytes::copy_of(tape::test::key_bytes(seed))),
      "the test"};
}

class CopyOut : public ::testing::Test {
 protected:
  // Two files of two blocks with an empty one between them; the second under another key when asked.
  void write(std::uint8_t second_key = 1) {
    const auto tape = tape::test::make(sim_);
    done(tape->set_write_session(tape::test::sealed_with(tape::test::key(1))));
    done(tape->write_record(record(1)));
    done(tape->write_record(record(2)));
    done(tape->write_filemarks(2));
    done(tape->set_write_session(tape::test::sealed_with(tape::test::key(second_key))));
    done(tape->write_record(record(3, 500)));
    done(tape->write_record(record(4)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  Result<CopyReport> copy(const std::vector<FoundKey>& keys, const std::string& to = "out") {
    const auto tape = tape::test::reopen(sim_, tape::CartridgeMode::kRead);
    return copy_out(sim_.env(), *tape, {.directory = to, .keys = keys, .progress = {}});
  }
  Bytes content(const std::string& path) { return take(read_file(sim_.disk, path, 1U << 20)); }
  static Bytes both(Bytes first, const Bytes& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }

  testing::SimEnv sim_{28};
};

TEST_F(CopyOut, K28_TapeFilesBecomeFiles) {
  write();
  const auto report = take(copy({found(1)}));
  EXPECT_EQ(report.files, 3U);
  EXPECT_EQ(report.blocks, 4U);
  EXPECT_EQ(report.bytes, 1400U);
  EXPECT_THAT(report.written, ElementsAre("out/VOL001L9-0001.bin", "out/VOL001L9-0002.bin",
                                          "out/VOL001L9-0003.bin", "out/VOL001L9.txt"));
  EXPECT_EQ(content("out/VOL001L9-0001.bin"), both(record(1), record(2)));
  EXPECT_THAT(content("out/VOL001L9-0002.bin"), SizeIs(0));
  EXPECT_EQ(content("out/VOL001L9-0003.bin"), both(record(3, 500), record(4)));
  EXPECT_THAT(std::string(as_text(content("out/VOL001L9.txt"))),
              HasSubstr("file 3: 800 bytes\n    1 block of 500 bytes\n    1 block of 300 bytes"));
}

TEST_F(CopyOut, K28_AFileWhoseWritingWasCutOffIsMarked) {
  {
    const auto tape = tape::test::make(sim_);
    done(tape->set_write_session(tape::test::sealed_with(tape::test::key(1))));
    done(tape->write_record(record(1)));
    done(tape->write_filemarks(1));
    done(tape->write_record(record(2, 300'000)));  // on the tape at once; then the writer is gone
  }
  const auto report = take(copy({found(1)}));
  EXPECT_THAT(report.faults, SizeIs(1));
  EXPECT_THAT(report.written,
              ElementsAre("out/VOL001L9-0001.bin", "out/VOL001L9-0002.damaged", "out/VOL001L9.txt"));
  EXPECT_EQ(content("out/VOL001L9-0002.damaged"), record(2, 300'000));
  EXPECT_THAT(std::string(as_text(content("out/VOL001L9.txt"))), HasSubstr("file 2 was cut off"));
}

TEST_F(CopyOut, K28_BothPartitionsComeOutAndALostOneIsTold) {
  {
    const auto tape = tape::test::make(sim_);
    done(tape->format({.first = 4U << 20, .second = 60U << 20}));
    done(tape->set_write_session(tape::test::sealed_with(tape::test::key(1))));
    done(tape->write_record(record(1)));
    done(tape->write_filemarks(1));
    done(tape->change_partition(1));
    done(tape->write_record(record(2)));
    done(tape->write_filemarks(1));
    done(tape->unload());
  }
  EXPECT_THAT(take(copy({found(1)})).written,
              ElementsAre("out/VOL001L9-0001.bin", "out/VOL001L9-p1-0001.bin", "out/VOL001L9.txt"));
  EXPECT_EQ(content("out/VOL001L9-0001.bin"), record(1));
  EXPECT_EQ(content("out/VOL001L9-p1-0001.bin"), record(2));
  done(sim_.disk.remove(tape::test::kPath + ".partition1"));
  const auto part = take(copy({found(1)}, "part"));
  EXPECT_THAT(part.faults, ElementsAre(HasSubstr("is missing")));
  EXPECT_EQ(content("part/VOL001L9-0001.bin"), record(1));
}

TEST_F(CopyOut, K28_EachSessionIsReadWithItsOwnKey) {
  write(2);
  EXPECT_TRUE(take(copy({found(1), found(2)})).faults.empty());
  // One of the two is missing: the other's blocks come, and the file says that it is not whole.
  const auto part = take(copy({found(1)}, "part"));
  EXPECT_THAT(part.faults, SizeIs(2));
  EXPECT_FALSE(part.ended_early);
  EXPECT_EQ(content("part/VOL001L9-0001.bin"), both(record(1), record(2)));
  EXPECT_TRUE(sim_.disk.exists("part/VOL001L9-0003.damaged"));
  EXPECT_EQ(copy({found(3)}, "none").error().code, ErrorCode::kWrongKey);
}

TEST_F(CopyOut, K28_ADamagedBlockMarksItsFileAndTheOthersAreWhole) {
  write();
  Bytes& tape = sim_.disk.content(tape::test::kPath);
  // The first block's payload, found by the size of its record: the last 300 bytes before the second record.
  const auto inspected = take(tape::test::reopen(sim_, tape::CartridgeMode::kRead)->next_block());
  ASSERT_EQ(inspected.host_length, 300U);
  std::size_t faulty = 0;
  for (std::size_t at = tape.size() / 2; at < tape.size() && faulty == 0; at += 64) {
    tape[at] ^= 1U;
    if (const auto report = copy({found(1)}, "try" + std::to_string(at));
        report && report->faults.size() == 1 && !report->ended_early) {
      faulty = at;
      const auto name = [&](const char* rest) { return "try" + std::to_string(at) + "/VOL001L9-" + rest; };
      const bool first = sim_.disk.exists(name("0001.damaged"));
      EXPECT_TRUE(first || sim_.disk.exists(name("0003.damaged")));
      EXPECT_FALSE(sim_.disk.exists(name(first ? "0001.bin" : "0003.bin")));
      EXPECT_EQ(content(name(first ? "0003.bin" : "0001.bin")),
                first ? both(record(3, 500), record(4)) : both(record(1), record(2)));
    }
    tape[at] ^= 1U;
  }
  EXPECT_NE(faulty, 0U) << "no byte tried belongs to one block alone";
}

TEST_F(CopyOut, K28_NothingIsOverwritten) {
  write();
  take(copy({found(1)}));
  EXPECT_EQ(copy({found(1)}).error().code, ErrorCode::kAlreadyExists);
}

// The name on the tape becomes a part of paths, and whoever made the tape chose it.
TEST_F(CopyOut, K28_ANameThatIsNoVolserMakesNoFiles) {
  write();
  for (const std::string name : {"../../x", "a/b", "..", "", "VOL 1", "vol001"}) {
    Bytes& tape = sim_.disk.content(tape::test::kPath);
    for (const auto at : tape::kSuperblockOffsets) {
      const auto place = MutableByteView(tape).subspan(at, tape::kSuperblockBytes);
      auto block = tape::decode_superblock(place);
      if (!block) continue;
      block->volser = name;
      copy_bytes(place, tape::encode_superblock(*block));
    }
    const auto refused = copy({found(1)});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(refused.error().field, "volser");
    for (const char* rest : {".txt", "-0001.bin", "-0001.part"})
      EXPECT_FALSE(sim_.disk.exists("out/" + name + rest)) << name;
  }
}

class KeystoreSearch : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto keys = server_.manager().generate_keys(keymgr::testing::officer(), 3, "TWK", "");
    ASSERT_TRUE(keys.has_value()) << keys.error().text();
    key_ = keys->at(1);
    wanted_.volume = Uuid::random(*server_.env().random);
    done(server_.keystore().read([&](store::Reader& reader) -> Status {
      const auto secret = TRY(server_.manager().keys().open(reader, key_));
      wanted_.check_values = {crypto::key_check_value(secret, wanted_.volume)};
      return {};
    }));
  }
  Result<std::vector<FoundKey>> find() {
    return find_in_keystore(server_.env(), server_.keystore(), server_.id(), wanted_, "the test");
  }

  keymgr::testing::TestServer server_;
  keymgr::DataKey key_;
  KeyWanted wanted_;
};

TEST_F(KeystoreSearch, K28_ByIdentifierAndByCheckValueAlone) {
  wanted_.akad = to_bytes(key_.dki.view());
  const auto named = take(find());
  ASSERT_THAT(named, SizeIs(1));
  EXPECT_TRUE(wanted_.fits(*named[0].data_key));
  EXPECT_EQ(named[0].where, "data key " + key_.alias + " of the test");
  // The cartridge lost its key areas: every key is tried.
  wanted_.akad.clear();
  EXPECT_THAT(take(find()), SizeIs(1));
  // Its identifier leads to another key: the check value decides.
  wanted_.akad = to_bytes(std::string_view("ABC000000000"));
  EXPECT_THAT(take(find()), SizeIs(1));
  wanted_.check_values[0][0] ^= 1U;
  EXPECT_THAT(take(find()), SizeIs(0));
}

TEST_F(KeystoreSearch, K28_AQuarantinedKeyIsNamedAndNotGiven) {
  auto& manager = server_.manager();
  const auto reference = manager.key_ref(key_.alias);
  ASSERT_TRUE(reference.has_value()) << reference.error().text();
  done(manager.quarantine_key(keymgr::testing::officer(), *reference));
  wanted_.akad = to_bytes(key_.dki.view());
  const auto refused = find();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("quarantine"));
}

// One EEDK of a cartridge may lead to a KEK that is not to be had, and the other open it.
TEST_F(KeystoreSearch, K28_AQuarantinedKekDoesNotHideTheOther) {
  auto& manager = server_.manager();
  const auto secret = crypto::SecretBytes::copy_of(tape::test::key_bytes(7));
  wanted_.check_values = {crypto::key_check_value(secret, wanted_.volume)};
  for (const std::size_t i : {1U, 2U}) {
    const auto& rsa = keymgr::testing::shared_rsa(i);
    const std::string label = "KEK " + std::to_string(i);
    const keymgr::NewKek kek{keymgr::testing::rsa_certificate(rsa, label), rsa, {label}, {}};
    done(server_.write([&](store::Transaction& transaction) -> Status {
      (void)TRY(manager.keks().add(transaction, keymgr::testing::officer(), kek));
      return {};
    }));
    wanted_.eedks.push_back({eedk::WrapAlgorithm::kRsaOaepSha256, eedk::ClearLabel{label},
                             take(rsa.public_key().wrap(secret, eedk::oaep_label(wanted_.volume)))});
  }
  const auto quarantine = [&](std::size_t i) {
    const auto id = keymgr::testing::shared_rsa(i).public_key().spki_hash();
    done(manager.quarantine_key(keymgr::testing::officer(), take(manager.kek_ref(id))));
  };
  quarantine(1);
  const auto found = take(find());
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(*found[0].data_key, secret);
  EXPECT_THAT(found[0].where, HasSubstr("KEK 2"));
  quarantine(2);
  const auto refused = find();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().text(), HasSubstr("quarantine"));
}

TEST(KekSearch, K28_BadKekFilesAreNamed) {
  testing::SimEnv sim(28);
  KekSource source;
  EXPECT_EQ(source.add_file(sim.disk, "none.pem", nullptr).error().code, ErrorCode::kNotFound);
  done(write_file_atomically(sim.disk, "kek", to_bytes(std::string_view("neither PEM nor PKCS#12"))));
  EXPECT_THAT(source.add_file(sim.disk, "kek", nullptr).error().text(), HasSubstr("kek-passphrase-file"));
  const auto passphrase = crypto::SecretBytes::copy_of(as_bytes("a passphrase"));
  EXPECT_THAT(source.add_file(sim.disk, "kek", &passphrase).error().text(), HasSubstr("kek: "));
  const auto ec = crypto::PrivateKey::generate_p256().pem();
  done(write_file_atomically(sim.disk, "ec.pem", ec.reveal()));
  EXPECT_THAT(source.add_file(sim.disk, "ec.pem", nullptr).error().text(), HasSubstr("no RSA key"));
}

}  // namespace
}  // namespace tapewarden::rescue
