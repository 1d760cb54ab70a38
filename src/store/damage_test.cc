// What a keystore does with a database that is not what it wrote: it says so and names the place, or nothing
// that it answers is different. Never wrong data, never a wrong key.
#include <cstdlib>
#include <functional>

#include "store/sqlite/connection.h"
#include "store/store_test_tables.h"
#include "store/testing/outside_change.h"

namespace tapewarden::store::testing {
namespace {

// The files of a keystore at one moment, with the log that belongs to them.
struct Image {
  Bytes database;
  Bytes wal;
  MemoryCommitLog log;
};

using Content = std::map<std::string, std::string>;

// A keystore with keys, tombstones, settings and indexes; `wal`: as a crash leaves it, with commits in the
// write-ahead log that are not in the database file yet.
void make_image(Image& image, Content& content, bool wal) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 30; ++i) {
    const std::string alias = "KEY" + std::to_string(i);
    ASSERT_TRUE(add_key(*f.keystore, alias, "secret " + alias, "group", i));
    content[alias] = "secret " + alias;
    // The first half reaches the database file, so that both files hold something of their own.
    if (i != 15) continue;
    for (const char* erased : {"KEY0", "KEY7", "KEY14"}) {  // empties the log, for the secrets' sake
      ASSERT_TRUE(f.keystore->write([&](Transaction& t) { return t.erase(kKeys, {std::string(erased)}); }));
      content[erased] = "-";
    }
    ASSERT_TRUE(f.open());
  }
  ASSERT_TRUE(f.keystore->write(
      [&](Transaction& t) { return t.put(kSettings, {std::string("port"), std::string("3801")}); }));
  if (!wal) f.close();
  image.database = file_content(f.path());
  image.wal = file_content(f.path() + "-wal");
  image.log.copy_from(f.log);
}

void put_image(Fixture& f, const Image& image) {
  f.close();
  std::filesystem::remove(f.path() + "-shm");
  std::filesystem::remove(f.path() + "-wal");
  write_content(f.path(), image.database);
  if (!image.wal.empty()) write_content(f.path() + "-wal", image.wal);
  f.log.copy_from(image.log);
}

// Opens and asks for everything. True: a fault was reported somewhere. A wrong answer fails the test.
bool reports_or_answers_right(Fixture& f, const Content& content) {
  const Status opened = f.open();
  if (!opened) {
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << opened.error().text();
    return true;
  }
  const auto faults = f.keystore->verify();
  if (!faults || !faults->empty()) return true;
  for (const auto& [alias, secret] : content) {
    const auto found = read_key(*f.keystore, alias);
    EXPECT_EQ(found ? *found : "error: " + found.error().text(), secret) << alias;
  }
  const auto written = add_key(*f.keystore, "NEWKEY", "new");
  EXPECT_TRUE(written) << written.error().text();
  EXPECT_EQ(read_key(*f.keystore, "NEWKEY").value_or("error"), "new");
  const auto after = f.keystore->verify();
  EXPECT_TRUE(after && after->empty());
  return false;
}

// TW_SWEEP_STRIDE=1 damages every byte, which takes minutes.
std::size_t stride(std::size_t usual) {
  const char* given = std::getenv("TW_SWEEP_STRIDE");
  return given == nullptr ? usual : std::strtoul(given, nullptr, 10);
}

using Damage = void (*)(Bytes& file, std::size_t at, std::size_t turn);

void flip_bit(Bytes& file, std::size_t at, std::size_t turn) {
  file[at] = static_cast<std::uint8_t>(file[at] ^ (1U << (turn % 8)));
}
void drop_byte(Bytes& file, std::size_t at, std::size_t) {
  file.erase(file.begin() + static_cast<std::ptrdiff_t>(at));
}
// A sector that was not written: zeros.
void tear_sector(Bytes& file, std::size_t at, std::size_t) {
  const auto start = file.begin() + static_cast<std::ptrdiff_t>(at / 512 * 512);
  std::fill(start, std::min(start + 512, file.end()), std::uint8_t{0});
}

// Damages one of the files at many places, one at a time; returns the share that was reported, in percent.
std::size_t sweep(Bytes Image::* file, bool wal, Damage damage, std::size_t step) {
  Image image;
  Content content;
  make_image(image, content, wal);
  const Bytes good = image.*file;
  Fixture f{Storage::kMemory};
  std::size_t reported = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < good.size() && !::testing::Test::HasFailure(); at += step) {
    image.*file = good;
    damage(image.*file, at, tried);
    put_image(f, image);
    SCOPED_TRACE("byte " + std::to_string(at));
    if (reports_or_answers_right(f, content)) ++reported;
    ++tried;
  }
  std::printf("%zu places of %zu bytes: %zu named, %zu without effect\n", tried, good.size(), reported,
              tried - reported);
  return reported * 100 / tried;
}

TEST(KeystoreDamage, K16_FlippedByteInTheDatabaseIsFound) {
  EXPECT_GT(sweep(&Image::database, false, flip_bit, stride(17)), 10U);
}

TEST(KeystoreDamage, K16_FlippedByteInTheDatabaseBesideItsLogIsFound) {
  // Nearly all of its pages are newer in the write-ahead log.
  EXPECT_LT(sweep(&Image::database, true, flip_bit, stride(53)), 20U);
}

TEST(KeystoreDamage, K16_FlippedByteInTheWriteAheadLogIsFound) {
  EXPECT_GT(sweep(&Image::wal, true, flip_bit, stride(401)), 95U);
}

TEST(KeystoreDamage, K16_DroppedByteIsFound) {
  EXPECT_GT(sweep(&Image::database, false, drop_byte, stride(331)), 95U);
  EXPECT_GT(sweep(&Image::wal, true, drop_byte, stride(2003)), 95U);
}

TEST(KeystoreDamage, K16_TornSectorIsFound) {
  EXPECT_GT(sweep(&Image::database, false, tear_sector, stride(512)), 20U);
  EXPECT_GT(sweep(&Image::wal, true, tear_sector, stride(2048)), 30U);
}

TEST(KeystoreDamage, K16_WriteAheadLogThatLostItsEndIsFound) {
  Image image;
  Content content;
  make_image(image, content, true);
  constexpr std::size_t kHeader = 32;
  constexpr std::size_t kFrame = 24 + 4096;
  const Bytes whole = image.wal;
  ASSERT_GT(whole.size(), kHeader + 20 * kFrame);
  Fixture f{Storage::kMemory};
  std::size_t cuts = 0;
  for (std::size_t frame = 0; kHeader + frame * kFrame < whole.size(); ++frame) {
    for (const std::size_t extra : {std::size_t{0}, std::size_t{24}, kFrame / 2}) {
      const std::size_t size = std::min(whole.size(), kHeader + frame * kFrame + extra);
      image.wal.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      put_image(f, image);
      const Status opened = f.open();
      ASSERT_FALSE(opened) << "cut at " << size;
      EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
      EXPECT_NE(opened.error().message.find("lacks commit"), std::string::npos) << opened.error().message;
      ++cuts;
    }
  }
  std::printf("%zu cuts, all named\n", cuts);
  image.wal.clear();
  put_image(f, image);
  EXPECT_FALSE(f.open());
}

TEST(KeystoreDamage, K16_OldCopyPutBackIsNamed) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  f.close();
  const Bytes old = file_content(f.path());
  ASSERT_TRUE(f.open());
  for (int i = 2; i < 5; ++i) ASSERT_TRUE(add_key(*f.keystore, "KEY" + std::to_string(i), "x"));
  f.close();
  write_content(f.path(), old);
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("lacks commits 3 to 5"), std::string::npos) << opened.error().message;
  EXPECT_NE(opened.error().message.find("old copy"), std::string::npos);
  EXPECT_NE(opened.error().remedy, "");
}

TEST(KeystoreDamage, K16_OldCopyUnderANewerWriteAheadLogIsFound) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(add_key(*f.keystore, "OLD" + std::to_string(i), "x"));
  f.close();
  const Bytes old = file_content(f.path());
  ASSERT_TRUE(f.open());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(add_key(*f.keystore, "MID" + std::to_string(i), "x"));
  f.close();  // these are in the database file now
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "NEW", "x"));
  const Bytes wal = file_content(f.path() + "-wal");
  f.close();
  write_content(f.path(), old);
  write_content(f.path() + "-wal", wal);
  Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  // Also when the database counts as too large to be read through: the latest commits are looked up.
  write_content(f.path(), old);
  write_content(f.path() + "-wal", wal);
  f.verify_at_open = 0;
  opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
}

TEST(KeystoreDamage, K16_MissingDatabaseIsNamed) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "one"));
  f.close();
  std::filesystem::remove(f.path());
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("last commit is 2"), std::string::npos) << opened.error().message;
  EXPECT_FALSE(std::filesystem::exists(f.path()));  // nothing was made in its place
  write_content(f.path(), Bytes());
  EXPECT_EQ(f.open().error().code, ErrorCode::kCorrupt);
}

TEST(KeystoreDamage, K16_OldAuditRecordPutBackIsNamed) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (int i = 1; i < 5; ++i) ASSERT_TRUE(add_key(*f.keystore, "KEY" + std::to_string(i), "x"));
  f.close();
  f.log.drop_last(3);
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("audit file lacks commits 3 to 5"), std::string::npos)
      << opened.error().message;
}

TEST(KeystoreDamage, K16_ForeignAuditRecordIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY1", "x"));
  Fixture other;
  ASSERT_TRUE(other.open());
  ASSERT_TRUE(add_key(*other.keystore, "KEY1", "x"));
  other.close();
  f.log.copy_from(other.log);
  EXPECT_EQ(f.open().error().code, ErrorCode::kCorrupt);
}

// Changes the closed database by SQL, as its administrator can.
void tamper(Fixture& f, const std::function<void(sqlite::Connection&)>& change) {
  f.close();
  const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kReadWrite);
  ASSERT_TRUE(connection);
  change(**connection);
}

void run_sql(Fixture& f, const std::string& sql) {
  tamper(f, [&](sqlite::Connection& connection) {
    const Status done = connection.execute(sql);
    ASSERT_TRUE(done) << done.error().text();
  });
}

struct Keys : Fixture {
  Keys() {
    EXPECT_TRUE(open());
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(add_key(*keystore, "KEY" + std::to_string(i), "secret " + std::to_string(i), "g", i));
    }
  }
};

TEST(KeystoreDamage, K16_EditedRowIsNamedAndNeverReturned) {
  Keys f;
  run_sql(f, "UPDATE data_key SET group_name = 'other' WHERE alias = 'KEY3'");
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("data_key row KEY3: changed"), std::string::npos)
      << opened.error().message;
}

TEST(KeystoreDamage, K16_EditedRowIsRefusedWhenRead) {
  Keys f;
  // The keystore is open: nobody looks at the whole of it now.
  const auto connection = sqlite::Connection::open(f.path(), sqlite::Access::kReadWrite);
  ASSERT_TRUE(connection);
  ASSERT_TRUE((*connection)->execute("UPDATE data_key SET place = 77 WHERE alias = 'KEY3'"));
  const auto read = read_key(*f.keystore, "KEY3");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(read.error().message.find("data_key KEY3"), std::string::npos) << read.error().message;
  const auto written = add_key(*f.keystore, "KEY3", "new");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_key(*f.keystore, "KEY4").value(), "secret 4");
}

TEST(KeystoreDamage, K16_ACheckReachesWhatStandsBehindADamagedRow) {
  Keys f;
  ASSERT_TRUE(change_outside(f.path(), "UPDATE data_key SET place = 77 WHERE alias = 'KEY3'"));
  ASSERT_TRUE(change_outside(f.path(), "UPDATE data_key SET row_mac = x'00' WHERE alias = 'KEY5'"));
  ASSERT_TRUE(change_outside(f.path(), "UPDATE data_key SET row_columns = 99 WHERE alias = 'KEY6'"));
  std::vector<std::string> sound;
  std::vector<DamagedRow> damaged;
  ASSERT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
    EXPECT_FALSE(reader.query(kKeys, "1 ORDER BY alias", {}));
    for (const auto& row : TRY(reader.query_sound(kKeys, "alias >= ? ORDER BY alias LIMIT 6",
                                                  {std::string("KEY2")}, damaged))) {
      sound.push_back(text(row, 0));
    }
    return {};
  }));
  EXPECT_EQ(sound, (std::vector<std::string>{"KEY2", "KEY4", "KEY7"}));
  ASSERT_EQ(damaged.size(), 3U);
  EXPECT_EQ(damaged[0].print, "KEY3");
  EXPECT_EQ(damaged[0].key, Row{std::string("KEY3")});
  EXPECT_EQ(damaged[1].print, "KEY5");
  EXPECT_EQ(damaged[2].print, "KEY6");
  // What the table must have is no row's fault.
  ASSERT_TRUE(change_outside(f.path(), "ALTER TABLE data_key RENAME TO lost"));
  // A read that begins after a commit sees it.
  ASSERT_TRUE(f.keystore->write(
      [](Transaction& t) { return t.put(kSettings, {std::string("port"), std::string("3802")}); }));
  ASSERT_FALSE(f.keystore->read([&](Reader& reader) -> Status {
    (void)TRY(reader.query_sound(kKeys, "1", {}, damaged));
    return {};
  }));
}

TEST(KeystoreDamage, K16_DeletedRowIsNamed) {
  Keys f;
  run_sql(f, "DELETE FROM data_key WHERE alias = 'KEY7'");
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("data_key row KEY7: missing"), std::string::npos)
      << opened.error().message;
}

TEST(KeystoreDamage, K16_RolledBackRowIsNamed) {
  Keys f;
  ASSERT_TRUE(sqlite::Connection::open(f.directory.file("kept.db"), sqlite::Access::kCreate));
  run_sql(f, "CREATE TABLE keep AS SELECT * FROM data_key WHERE alias = 'KEY5'");
  run_sql(f, "ATTACH '" + f.directory.file("kept.db") +
                 "' AS kept; CREATE TABLE kept.row AS SELECT * FROM keep; "
                 "DROP TABLE keep");
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "KEY5", "newer secret"));
  run_sql(f, "ATTACH '" + f.directory.file("kept.db") +
                 "' AS kept; DELETE FROM data_key WHERE alias = 'KEY5'; "
                 "INSERT INTO data_key SELECT * FROM kept.row");
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("data_key row KEY5: rolled back"), std::string::npos)
      << opened.error().message;
}

TEST(KeystoreDamage, K16_RowsOfAnotherKeystoreAreNamed) {
  Keys f;
  run_sql(
      f,
      "INSERT INTO data_key SELECT row_version, row_origin, row_commit, row_erased, row_columns, row_mac, "
      "'KEY99', secret, x'00', group_name, place, used FROM data_key WHERE alias = 'KEY1'");
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("KEY99"), std::string::npos) << opened.error().message;
}

TEST(KeystoreDamage, K16_SwappedSecretsAreNamed) {
  Keys f;
  run_sql(
      f,
      "UPDATE data_key SET secret = (SELECT secret FROM data_key WHERE alias = 'KEY2') WHERE alias = 'KEY1'");
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("data_key row KEY1: changed"), std::string::npos)
      << opened.error().message;
}

TEST(KeystoreDamage, K16_ChangedNotesAreNamed) {
  for (const char* sql :
       {"UPDATE tw_meta SET value = x'00000001' WHERE name = 'check'",
        "DELETE FROM tw_meta WHERE name = 'server'",
        "UPDATE tw_meta SET value = x'00' WHERE name = 'created'", "UPDATE tw_state SET content = x'00'",
        "DELETE FROM tw_state", "DELETE FROM tw_schema WHERE name = 'data_key'",
        "UPDATE tw_schema SET columns = 'alias text key' WHERE name = 'data_key'", "DROP TABLE setting",
        "CREATE TABLE extra(x)", "CREATE TRIGGER t AFTER UPDATE ON data_key BEGIN DELETE FROM setting; END",
        "CREATE VIEW v AS SELECT * FROM data_key", "ALTER TABLE data_key ADD COLUMN extra TEXT",
        "DROP TABLE tw_meta"}) {
    Keys f;
    run_sql(f, sql);
    const Status opened = f.open();
    ASSERT_FALSE(opened) << sql;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << sql << ": " << opened.error().text();
    EXPECT_NE(opened.error().remedy, "") << sql;
  }
}

TEST(KeystoreDamage, K16_WrongKeyIsToldFromDamage) {
  Keys f;
  run_sql(f, "UPDATE tw_meta SET mac = zeroblob(32)");  // every note, but the state still fits
  EXPECT_EQ(f.open().error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(f.open(9).error().code, ErrorCode::kWrongKey);
}

TEST(KeystoreDamage, K16_NotADatabaseIsNamed) {
  Keys f;
  f.close();
  write_content(f.path(), to_bytes("this is a text file, which somebody put here, and no keystore at all"));
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tapewarden::store::testing
