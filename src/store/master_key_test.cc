#include "store/master_key.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace tapewarden::store {
namespace {

constexpr crypto::ScryptCost kCheap{.n = 16, .r = 1, .p = 1};

crypto::SecretBytes phrase(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

TEST(MasterKey, K16_OpensWithItsPassphraseOnly) {
  testing::SimEnv sim(1);
  const auto made = create_master_key(sim.env(), "master", phrase("correct horse"), kCheap);
  ASSERT_TRUE(made);
  const auto opened = unlock_master_key(sim.disk, "master", phrase("correct horse"));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->front().key == *made);
  const auto wrong = unlock_master_key(sim.disk, "master", phrase("wrong horse"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kWrongKey);
}

TEST(MasterKey, K16_IsNeverReplacedByAccident) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes before = sim.disk.content("master");
  const auto again = create_master_key(sim.env(), "master", phrase("b"), kCheap);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(sim.disk.content("master"), before);
}

TEST(MasterKey, K16_EveryFlippedByteIsFound) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes good = sim.disk.content("master");
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes& bad = sim.disk.content("master");
    bad = good;
    bad[i] ^= 0x01;
    const auto opened = unlock_master_key(sim.disk, "master", phrase("a"));
    ASSERT_FALSE(opened) << "byte " << i;
    // Told from a wrong passphrase, and the file is named.
    EXPECT_NE(opened.error().code, ErrorCode::kWrongKey) << "byte " << i;
    EXPECT_TRUE(opened.error().message.starts_with("master ")) << opened.error().text();
    EXPECT_FALSE(opened.error().remedy.empty()) << "byte " << i;
  }
}

TEST(MasterKey, K16_ACutFileIsNamed) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes good = sim.disk.content("master");
  for (std::size_t size = 0; size < good.size(); ++size) {
    sim.disk.content("master") = to_bytes(ByteView(good).first(size));
    const auto opened = unlock_master_key(sim.disk, "master", phrase("a"));
    ASSERT_FALSE(opened) << size << " bytes";
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << size << " bytes";
    EXPECT_TRUE(opened.error().message.starts_with("master ")) << opened.error().text();
  }
}

// The file with a slot put before its passphrase slot.
Bytes with_slot_before(const Bytes& file, ByteView slot) {
  constexpr std::size_t kSlotsAt = 4 + 2;
  const ByteView body = ByteView(file).first(file.size() - Hash256{}.size());
  ByteWriter out;
  out.bytes(body.first(kSlotsAt)).u8(static_cast<std::uint8_t>(file[kSlotsAt] + 1));
  out.bytes(slot).bytes(body.subspan(kSlotsAt + 1));
  out.bytes(crypto::sha256(out.view()));
  return out.take();
}

TEST(MasterKey, K16_ASlotOfALaterReleaseIsPassedOver) {
  testing::SimEnv sim(1);
  const auto made = create_master_key(sim.env(), "master", phrase("a"), kCheap);
  ASSERT_TRUE(made);
  const Bytes slot = ByteWriter().u8(2).bytes16(Bytes(300, 0xAB)).take();
  sim.disk.content("master") = with_slot_before(sim.disk.content("master"), slot);
  const auto opened = unlock_master_key(sim.disk, "master", phrase("a"));
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE(opened->front().key == *made);
  const auto wrong = unlock_master_key(sim.disk, "master", phrase("b"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("later release"), std::string::npos);
}

TEST(MasterKey, K16_TheFileDoesNotSayHowLongAStartTakes) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes good = sim.disk.content("master");
  const auto slot = [](std::uint64_t n, std::uint32_t r, std::uint32_t p) {
    return ByteWriter().u8(1).u64(n).u32(r).u32(p).bytes(Bytes(32)).bytes16(Bytes(60)).take();
  };
  // Within the memory that is allowed, and minutes of work each; or beyond every limit; or nonsense.
  for (const Bytes& hostile :
       {slot(1U << 19, 8, 16), slot(1ULL << 63, 0xFFFFFFFF, 0xFFFFFFFF), slot(16, 0, 1), slot(16, 1, 0)}) {
    sim.disk.content("master") = with_slot_before(good, hostile);
    EXPECT_TRUE(unlock_master_key(sim.disk, "master", phrase("a"))) << "the next slot opens";
  }
  EXPECT_FALSE(create_master_key(sim.env(), "another", phrase("a"), {.n = 1U << 20, .r = 8, .p = 1}));
  EXPECT_FALSE(sim.disk.exists("another"));
}

TEST(MasterKey, K16_VersionsComeAndGoWithoutThePassphrase) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
  const Bytes slot = ByteWriter().u8(2).bytes16(Bytes(300, 0xAB)).take();
  sim.disk.content("master") = with_slot_before(sim.disk.content("master"), slot);
  const auto file = MasterKeyFile::open(sim.env(), "master", phrase("a"));
  ASSERT_TRUE(file);
  const auto first = (*file)->keys().front().key.clone();
  const auto second = (*file)->add_version();
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->version, 2U);
  auto both = unlock_master_key(sim.disk, "master", phrase("a"));
  ASSERT_TRUE(both);
  ASSERT_EQ(both->size(), 2U);
  EXPECT_TRUE(both->front().key == first);
  EXPECT_TRUE(both->back().key == (*second)->key);
  EXPECT_FALSE(both->back().key == first);
  ASSERT_TRUE((*file)->remove_before(2));
  const auto one = unlock_master_key(sim.disk, "master", phrase("a"));
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->front().version, 2U);
  EXPECT_TRUE(one->front().key == both->back().key);
  EXPECT_NE(as_text(sim.disk.content("master")).find(as_text(slot)), std::string_view::npos)
      << "a slot of a later kind stays";
}

// What the first release wrote.
Bytes file_of_one_key(testing::SimEnv& sim, const crypto::SecretBytes& key, std::string_view passphrase) {
  const Bytes salt(32, 0x5A);
  ByteWriter header;
  header.text("TWMK").u16(1).u8(1).u64(kCheap.n).u32(kCheap.r).u32(kCheap.p).bytes(salt);
  const auto stretched = crypto::scrypt(phrase(passphrase), salt, kCheap, 32).value();
  ByteWriter out;
  out.text("TWMK").u16(1).u8(1).u8(1).u64(kCheap.n).u32(kCheap.r).u32(kCheap.p).bytes(salt);
  return out.bytes16(crypto::seal_box(stretched, header.view(), key.reveal(), *sim.env().random)).take();
}

TEST(MasterKey, K16_AFileOfOneKeyIsReadAndBroughtUp) {
  testing::SimEnv sim(1);
  const auto key = crypto::SecretBytes::copy_of(Bytes(32, 0x11));
  ASSERT_TRUE(write_file_atomically(sim.disk, "master", file_of_one_key(sim, key, "a")));
  const Bytes before = sim.disk.content("master");
  const auto file = MasterKeyFile::open(sim.env(), "master", phrase("a"));
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(sim.disk.content("master"), before) << "reading changes nothing";
  EXPECT_EQ((*file)->keys().front().version, 1U);
  EXPECT_TRUE((*file)->keys().front().key == key);
  ASSERT_TRUE((*file)->add_version());
  const auto both = unlock_master_key(sim.disk, "master", phrase("a"));
  ASSERT_TRUE(both) << both.error().text();
  ASSERT_EQ(both->size(), 2U);
  EXPECT_TRUE(both->front().key == key);
  EXPECT_FALSE(unlock_master_key(sim.disk, "master", phrase("b")));
}

TEST(MasterKey, K16_AnotherPassphraseTakesTheOldOnesPlace) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("the old words"), kCheap));
  const Bytes before = sim.disk.content("master");
  const auto file = MasterKeyFile::open(sim.env(), "master", phrase("the old words"));
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->change_passphrase(phrase("the new words"), kCheap));
  const auto old = unlock_master_key(sim.disk, "master", phrase("the old words"));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, ErrorCode::kWrongKey);
  const auto fresh = unlock_master_key(sim.disk, "master", phrase("the new words"));
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(fresh->front().key == (*file)->keys().front().key);
  // Somebody puts another file there: it is not overwritten.
  sim.disk.content("master") = before;
  const auto lost = (*file)->add_version();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kConflict);
  EXPECT_EQ(sim.disk.content("master"), before);
  EXPECT_EQ((*file)->keys().size(), 1U);
}

TEST(MasterKey, K16_ADiskThatFailsLeavesOneOrTheOther) {
  for (std::uint64_t writes = 0; writes < 6; ++writes) {
    testing::SimEnv sim(writes);
    ASSERT_TRUE(create_master_key(sim.env(), "master", phrase("a"), kCheap));
    const auto file = MasterKeyFile::open(sim.env(), "master", phrase("a"));
    ASSERT_TRUE(file);
    sim.disk.fail_after(writes);
    const bool added = (*file)->add_version().has_value();
    sim.disk.clear_faults();
    sim.disk.power_loss(&sim.random);
    const auto keys = unlock_master_key(sim.disk, "master", phrase("a"));
    ASSERT_TRUE(keys) << keys.error().text();
    EXPECT_EQ(keys->size(), added ? 2U : 1U) << writes;
    EXPECT_EQ((*file)->keys().size(), keys->size());
  }
}

// A disk whose folders can be kept from being synced: what is renamed stands there, and may not last.
class FolderFault final : public Disk {
 public:
  explicit FolderFault(testing::SimDisk& disk) : disk_(disk) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override {
    return disk_.open(path, mode, permissions);
  }
  Status rename(const std::string& from, const std::string& to) override { return disk_.rename(from, to); }
  Status remove(const std::string& path) override { return disk_.remove(path); }
  Status make_directories(const std::string& path, unsigned permissions) override {
    return disk_.make_directories(path, permissions);
  }
  Status sync_directory(const std::string& path) override {
    if (failing) return fail(ErrorCode::kIo, "injected fault of a folder");
    return disk_.sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  bool exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return disk_.lock(path); }

  bool failing = false;

 private:
  testing::SimDisk& disk_;
};

struct FolderFaultEnv {
  testing::SimEnv sim{1};
  FolderFault disk{sim.disk};
  Env env() {
    Env out = sim.env();
    out.disk = &disk;
    return out;
  }
};

TEST(MasterKey, K16_AFailedChangeSaysWhichPassphraseOpens) {
  FolderFaultEnv f;
  ASSERT_TRUE(create_master_key(f.env(), "master", phrase("the old words"), kCheap));
  const auto file = MasterKeyFile::open(f.env(), "master", phrase("the old words"));
  ASSERT_TRUE(file);
  f.sim.disk.fail_after(0);
  const Status unwritten = (*file)->change_passphrase(phrase("the new words"), kCheap);
  f.sim.disk.clear_faults();
  ASSERT_FALSE(unwritten);
  EXPECT_NE(unwritten.error().message.find("the old passphrase still opens it"), std::string::npos);
  EXPECT_TRUE(unlock_master_key(f.disk, "master", phrase("the old words")));
  f.disk.failing = true;
  const Status unsynced = (*file)->change_passphrase(phrase("the new words"), kCheap);
  f.disk.failing = false;
  ASSERT_FALSE(unsynced);
  EXPECT_NE(unsynced.error().message.find("the new passphrase opens it"), std::string::npos)
      << unsynced.error().text();
  EXPECT_NE(unsynced.error().remedy.find("keep both passphrases"), std::string::npos);
  EXPECT_TRUE(unlock_master_key(f.disk, "master", phrase("the new words")));
  EXPECT_FALSE(unlock_master_key(f.disk, "master", phrase("the old words")));
  // It is the file that this one wrote, and nobody else.
  ASSERT_TRUE((*file)->add_version());
  EXPECT_EQ(unlock_master_key(f.disk, "master", phrase("the new words"))->size(), 2U);
  ASSERT_TRUE((*file)->change_passphrase(phrase("other words"), kCheap));
  EXPECT_TRUE(unlock_master_key(f.disk, "master", phrase("other words")));
}

// A version that the file may lose again is not counted; the next attempt draws it anew, and writes it.
TEST(MasterKey, K16_AVersionThatIsNotSyncedIsDrawnAnew) {
  FolderFaultEnv f;
  ASSERT_TRUE(create_master_key(f.env(), "master", phrase("a"), kCheap));
  const auto file = MasterKeyFile::open(f.env(), "master", phrase("a"));
  ASSERT_TRUE(file);
  f.disk.failing = true;
  const auto unsynced = (*file)->add_version();
  f.disk.failing = false;
  ASSERT_FALSE(unsynced);
  EXPECT_EQ(unsynced.error().code, ErrorCode::kIo);
  EXPECT_EQ((*file)->keys().size(), 1U);
  const auto again = (*file)->add_version();
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ((*again)->version, 2U);
  f.disk.failing = true;
  ASSERT_FALSE((*file)->remove_before(2));
  f.disk.failing = false;
  const Status removed = (*file)->remove_before(2);
  ASSERT_TRUE(removed) << removed.error().text();
  const auto left = unlock_master_key(f.disk, "master", phrase("a"));
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_TRUE(left->front().key == (*file)->keys().front().key);
}

// As newer systemds give it: by an access list, which shows as the group's right to read.
TEST(MasterKey, K16_ACredentialOfSystemdIsReadThoughItsGroupSeemsTo) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("tapewarden-credential-" + std::to_string(::getpid()));
  RealDisk disk;
  const auto folder = (directory / "keyd.service").string();
  ASSERT_TRUE(disk.make_directories(folder, 0700));
  const auto given = folder + "/passphrase";
  const auto elsewhere = (directory / "elsewhere").string();
  for (const auto& path : {given, elsewhere})
    ASSERT_TRUE(write_file_atomically(disk, path, as_bytes("words of power\n"), 0440));
  EXPECT_FALSE(read_passphrase_file(disk, given)) << "of no service";
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", folder.c_str(), 1), 0);
  EXPECT_TRUE(read_passphrase_file(disk, given));
  EXPECT_FALSE(read_passphrase_file(disk, folder + "/../elsewhere"));
  ASSERT_EQ(::chmod(given.c_str(), 0444), 0);
  EXPECT_FALSE(read_passphrase_file(disk, given)) << "everybody may read it";
  ASSERT_EQ(::unsetenv("CREDENTIALS_DIRECTORY"), 0);
  std::filesystem::remove_all(directory);
}

TEST(MasterKey, K16_PassphraseFileGivesItsFirstLine) {
  testing::SimEnv sim(1);
  ASSERT_TRUE(write_file_atomically(sim.disk, "phrase", as_bytes("words of power\nsecond line\n")));
  const auto read = read_passphrase_file(sim.disk, "phrase");
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == phrase("words of power"));
  ASSERT_TRUE(write_file_atomically(sim.disk, "phrase", as_bytes("\n")));
  EXPECT_FALSE(read_passphrase_file(sim.disk, "phrase"));
}

}  // namespace
}  // namespace tapewarden::store
