// The master key is rotated under a keystore that serves: nothing is lost, nothing of the old key is left.
#include "store/key_rotation.h"

#include <algorithm>
#include <atomic>

#include "crypto/aead.h"
#include "store/committer.h"
#include "store/database.h"
#include "store/own_tables.h"
#include "store/store_test_tables.h"
#include "store/verifier.h"

namespace tapewarden::store::testing {
namespace {

constexpr crypto::ScryptCost kCheap{.n = 16, .r = 1, .p = 1};
constexpr int kKeyCount = 600;  // several batches

crypto::SecretBytes phrase() {
  return secret_of("correct horse battery");
}

// A keystore whose master key lies in a file, with the rotation that belongs to it.
struct Rotated : Fixture {
  std::unique_ptr<KeyRotation> rotation;
  std::atomic<int> notes{0};
  std::string began_by = "nobody";  // as the last note of a beginning has it

  Rotated() { EXPECT_TRUE(MasterKeyFile::create(real.env(), key_path(), phrase(), kCheap)); }
  ~Rotated() { shut(); }
  std::string key_path() const { return directory.file("master.key"); }

  Result<MasterKeys> file_keys() { return unlock_master_key(*real.env().disk, key_path(), phrase()); }
  Status open_with(const MasterKeys& keys) {
    shut();
    KeystoreOptions options;
    options.path = path();
    options.server = server;
    options.tables = tables;
    auto opened = Keystore::open(real.env(), options, keys, log);
    if (!opened) return std::unexpected(opened.error());
    keystore = std::move(*opened);
    return {};
  }
  // Opens everything; what was going on goes on.
  Status start() {
    shut();
    auto file = TRY(MasterKeyFile::open(real.env(), key_path(), phrase()));
    TRY(open_with(file->keys()));
    rotation =
        std::make_unique<KeyRotation>(real.env(), *keystore, std::move(file),
                                      [this](Transaction& transaction, KeyRotation::Step step, KeyVersion,
                                             const std::string& by) -> Status {
                                        ++notes;
                                        if (step == KeyRotation::Step::kBegin) began_by = by;
                                        transaction.record(R"({"type":"runtime","action":"rotation"})");
                                        return {};
                                      });
    return rotation->resume();
  }
  void shut() {
    rotation.reset();
    keystore.reset();
  }
  // Until it is at its end; false when that takes too long.
  bool finish() {
    for (int i = 0; i < 6000 && rotation->state().going_on; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return !rotation->state().going_on;
  }
  // Until more rows are done, or it is at its end; false when that takes too long.
  bool moves_on() {
    const auto before = rotation->state().done;
    for (int i = 0; i < 10'000; ++i) {
      const RotationState now = rotation->state();
      if (!now.going_on || now.done > before) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return false;
  }
  void add_keys(int count = kKeyCount) {
    ASSERT_TRUE(keystore->write([&](Transaction& t) -> Status {
      for (int i = 0; i < count; ++i) {
        TRY(put_key(t, "KEY" + std::to_string(i), "secret " + std::to_string(i), "g", i));
      }
      return t.put(kSettings, {std::string("port"), std::string("3801")});
    }));
  }
  void expect_all(int count = kKeyCount) {
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(read_key(*keystore, "KEY" + std::to_string(i)).value_or("error"),
                "secret " + std::to_string(i));
    }
    const auto faults = keystore->verify();
    ASSERT_TRUE(faults);
    EXPECT_TRUE(faults->empty()) << faults->front().table << " " << faults->front().what;
    const auto log_faults = keystore->verify_log();
    ASSERT_TRUE(log_faults);
    EXPECT_TRUE(log_faults->empty()) << log_faults->front().key << " " << log_faults->front().what;
  }
  std::vector<KeyVersion> versions() {
    std::vector<KeyVersion> out;
    const MasterKeys keys = file_keys().value();
    for (const VersionedKey& one : keys) out.push_back(one.version);
    return out;
  }
};

using Versions = std::vector<KeyVersion>;

TEST(KeyRotation, K16_EverySecretOpensAfterIt) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys();
  const MasterKeys old = f.file_keys().value();
  const auto begun = f.rotation->begin("anna");
  ASSERT_TRUE(begun) << begun.error().text();
  EXPECT_TRUE(begun->going_on);
  EXPECT_EQ(begun->version, 2U);
  EXPECT_EQ(begun->text(), "version 2, rotation going on, " + std::to_string(begun->percent()) + " %");
  ASSERT_TRUE(f.finish()) << f.rotation->state().fault;
  EXPECT_EQ(f.rotation->state().text(), "version 2");
  EXPECT_EQ(f.notes, 2);
  EXPECT_EQ(f.keystore->key_sealing().census().value().old, 0U);
  EXPECT_EQ(f.versions(), Versions{2});
  f.expect_all();
  ASSERT_TRUE(f.start());
  EXPECT_FALSE(f.rotation->state().going_on);
  EXPECT_EQ(f.rotation->state().started_by, "anna");
  f.expect_all();
  // The key that was destroyed opens nothing any more, and the reason is told.
  const Status refused = f.open_with(old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kWrongKey);
  EXPECT_NE(refused.error().message.find("under version 2"), std::string::npos) << refused.error().text();
  EXPECT_NE(refused.error().message.find("old copy from before a rotation"), std::string::npos);
}

TEST(KeyRotation, K16_RowsOfATreeInAnotherOrderGetItToo) {
  const TableSpec terms{.name = "term",
                        .columns = {{"word", ColumnType::kText, ColumnRole::kKey},
                                    {"object", ColumnType::kInteger, ColumnRole::kKey},
                                    {"made", ColumnType::kInteger, ColumnRole::kPlain}},
                        .key_order = {"object", "word"},
                        .indexes = {},
                        .unique_indexes = {},
                        .replicated = false};
  Rotated f;
  f.tables.push_back(&terms);
  ASSERT_TRUE(f.start());
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) -> Status {
    for (std::int64_t i = 0; i < 400; ++i) TRY(t.put(terms, {std::to_string(i % 7), i, i}));
    return {};
  }));
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish());
  EXPECT_EQ(f.versions(), (std::vector<KeyVersion>{2}));
  EXPECT_TRUE(f.keystore->verify().value().empty());
  EXPECT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
    EXPECT_EQ(TRY(reader.query(terms, "", {})).size(), 400U);
    return {};
  }));
}

TEST(KeyRotation, K16_ServesAndMakesKeysMeanwhile) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys();
  std::atomic<bool> stop{false};
  std::atomic<int> made{0};
  std::atomic<int> wrong{0};
  std::thread maker([&] {
    while (!stop) {
      if (add_key(*f.keystore, "NEW" + std::to_string(made), "new")) ++made;
      // A row that is read, changed and put back, as a key that is given out.
      const std::string alias = "KEY" + std::to_string(made % kKeyCount);
      if (!f.keystore->write([&](Transaction& t) -> Status {
            auto row = TRY(t.get(kKeys, {alias}));
            (*row)[kUsed] = integer(*row, kUsed) + 1;
            return t.put(kKeys, *row);
          })) {
        ++wrong;
      }
    }
  });
  std::thread reader([&] {
    for (int i = 0; !stop; i = (i + 7) % kKeyCount) {
      const auto found = read_key(*f.keystore, "KEY" + std::to_string(i));
      if (!found || *found != "secret " + std::to_string(i)) ++wrong;
    }
  });
  // A snapshot that began under the old key is read to its end under it.
  std::thread looker([&] {
    const Status read = f.keystore->read([&](Reader& in) -> Status {
      (void)TRY(in.get(kKeys, {std::string("KEY0")}));
      for (int i = 0; i < 2000 && f.versions() != Versions{2}; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
      }
      for (const Row& row : TRY(in.query(kKeys, "", {}))) (void)TRY(in.unseal(kKeys, row, kSecret));
      return {};
    });
    if (!read) ++wrong;
  });
  for (KeyVersion version = 2; version <= 4; ++version) {
    const auto begun = f.rotation->begin("anna");
    ASSERT_TRUE(begun) << begun.error().text();
    ASSERT_TRUE(f.finish()) << f.rotation->state().fault;
    EXPECT_EQ(f.versions(), Versions{version});
  }
  stop = true;
  maker.join();
  reader.join();
  looker.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(made, 0);
  for (int i = 0; i < made; ++i) EXPECT_EQ(read_key(*f.keystore, "NEW" + std::to_string(i)).value(), "new");
  f.expect_all();
  ASSERT_TRUE(f.start());
  f.expect_all();
}

TEST(KeyRotation, K16_ASecondOneIsRefusedWhileOneGoesOn) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys();
  ASSERT_TRUE(f.rotation->begin("anna"));
  const auto second = f.rotation->begin("bert");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_NE(second.error().message.find("is going on: version 2"), std::string::npos)
      << second.error().text();
  ASSERT_TRUE(f.finish());
  EXPECT_EQ(f.versions(), Versions{2});
}

TEST(KeyRotation, K16_GoesOnAfterEveryStep) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys();
  // S1 alone: the new version is in the file and nothing is under it.
  f.shut();
  {
    const auto file = MasterKeyFile::open(f.real.env(), f.key_path(), phrase()).value();
    ASSERT_TRUE(file->add_version());
  }
  ASSERT_TRUE(f.start());
  EXPECT_EQ(f.rotation->state().version, 1U);
  EXPECT_TRUE(f.rotation->state().going_on);
  ASSERT_TRUE(f.finish());
  EXPECT_EQ(f.versions(), Versions{2});
  f.expect_all();
  // S2 and a part of S3, again and again.
  ASSERT_TRUE(f.rotation->begin("anna"));
  int starts = 0;
  while (f.rotation->state().going_on && starts < 1000) {
    ++starts;
    ASSERT_TRUE(f.start());
    EXPECT_EQ(f.rotation->state().version, 3U);
    ASSERT_TRUE(f.moves_on()) << f.rotation->state().fault;
  }
  EXPECT_GT(starts, 1);
  EXPECT_EQ(f.versions(), Versions{3});
  f.expect_all();
  // S4 without S5: the old version comes back into the file as if it had not been taken out.
  f.shut();
  const auto file = MasterKeyFile::open(f.real.env(), f.key_path(), phrase()).value();
  ASSERT_TRUE(file->add_version());
  const MasterKeys both = copy_of(file->keys());
  ASSERT_TRUE(f.open_with(both));
  EXPECT_EQ(f.keystore->key_sealing().version().value(), 3U) << "a version in the file is not used by itself";
  f.expect_all();
}

TEST(KeyRotation, K16_OldBoxesAreGoneFromTheFiles) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(200);
  std::vector<Bytes> boxes;
  ASSERT_TRUE(f.keystore->read([&](Reader& reader) -> Status {
    for (const Row& row : TRY(reader.query(kKeys, "", {}))) {
      boxes.push_back(to_bytes(ByteView(blob(row, kSecret)).subspan(kKeyVersionBytes)));
    }
    return {};
  }));
  ASSERT_EQ(boxes.size(), 200U);
  const auto left = [&] {
    const Bytes database = file_content(f.path());
    const Bytes wal = file_content(f.path() + "-wal");
    return std::ranges::count_if(boxes, [&](const Bytes& box) {
      return as_text(database).contains(as_text(box)) || as_text(wal).contains(as_text(box));
    });
  };
  EXPECT_EQ(left(), 200);
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish());
  f.shut();
  EXPECT_EQ(left(), 0);
}

TEST(KeyRotation, K16_OneThatAStartTakesUpIsNobodysInTheAudit) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(5);
  ASSERT_TRUE(f.rotation->begin("anna"));
  EXPECT_EQ(f.began_by, "anna");
  ASSERT_TRUE(f.finish());
  // S1 of another one, and a stop.
  f.shut();
  ASSERT_TRUE(MasterKeyFile::open(f.real.env(), f.key_path(), phrase()).value()->add_version());
  ASSERT_TRUE(f.start());
  ASSERT_TRUE(f.finish());
  EXPECT_EQ(f.versions(), Versions{3});
  EXPECT_EQ(f.rotation->state().started_by, "");
  f.shut();
  EXPECT_EQ(f.began_by, "") << "anna did not begin this one";
}

// A database administrator takes the row away whose key made the first heads.
TEST(KeyRotation, K16_AHeadWhoseKeyIsGoneIsNamedByTheSweep) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(5);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(f.rotation->begin("anna"));
    ASSERT_TRUE(f.finish());
  }
  EXPECT_TRUE(f.keystore->verify_log().value().empty());
  {
    const auto other = sqlite::Connection::open(f.path(), sqlite::Access::kReadWrite).value();
    ASSERT_TRUE(other->execute("DELETE FROM master_key_version WHERE version = 1"));
  }
  const auto faults = f.keystore->verify_log();
  ASSERT_TRUE(faults) << faults.error().text();
  ASSERT_FALSE(faults->empty());
  EXPECT_EQ(faults->front().key, "commit 1");
  const auto rows = f.keystore->verify();
  ASSERT_TRUE(rows);
  ASSERT_FALSE(rows->empty());
  EXPECT_EQ(rows->front().table, "master_key_version");
}

// Rows as the peer or a backup gets them.
struct Counter final : SnapshotSink {
  std::size_t rows = 0;
  std::vector<Bytes> digests;
  Status begin(const CommitMark&) override { return {}; }
  Status begin_table(const TableSpec&) override { return {}; }
  Status row(const SnapshotRow&) override {
    ++rows;
    return {};
  }
  Status end_table(const TableTotals& totals, const RowsDigest& digest) override {
    digests.push_back(ByteWriter().u64(totals.rows).u64(totals.live).bytes(digest.bytes()).take());
    return {};
  }
};
class PlainSealer final : public ChangeSealer {
 public:
  Bytes seal(ByteView, const crypto::SecretBytes& secret) override { return to_bytes(secret.reveal()); }
  Result<crypto::SecretBytes> open(ByteView, ByteView box) override {
    return crypto::SecretBytes::copy_of(box);
  }
};

TEST(KeyRotation, K16_IsNoChangeForThePeerOrABackup) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys();
  PlainSealer sealer;
  Counter before;
  ASSERT_TRUE(f.keystore->snapshot(0, sealer, before));
  const std::uint64_t known = f.keystore->head().sequence;
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish());
  EXPECT_GT(f.keystore->head().sequence, known);
  const auto changes = f.keystore->export_changes({.after = known, .every_origin = true}, sealer);
  ASSERT_TRUE(changes);
  EXPECT_TRUE(changes->rows.empty());
  EXPECT_EQ(changes->through, f.keystore->head().sequence);
  EXPECT_FALSE(f.keystore->content_changed(known).value());
  Counter increment;
  ASSERT_TRUE(f.keystore->snapshot(known, sealer, increment));
  EXPECT_EQ(increment.rows, 0U);
  Counter after;
  ASSERT_TRUE(f.keystore->snapshot(0, sealer, after));
  EXPECT_EQ(after.rows, before.rows);
  EXPECT_EQ(after.digests, before.digests);
}

TEST(KeyRotation, K16_AnOldCopyOfTheKeystoreIsNamed) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(10);
  f.shut();
  const Bytes old = file_content(f.path());
  MemoryCommitLog old_log;
  old_log.copy_from(f.log);
  ASSERT_TRUE(f.start());
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish());
  f.shut();
  std::filesystem::remove(f.path() + "-wal");
  std::filesystem::remove(f.path() + "-shm");
  write_content(f.path(), old);
  f.log.copy_from(old_log);
  const Status started = f.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kWrongKey);
  EXPECT_NE(started.error().message.find("the keystore is an old copy"), std::string::npos)
      << started.error().text();
  EXPECT_NE(started.error().remedy.find(".twb"), std::string::npos);
}

TEST(KeyRotation, K16_ADamagedRowKeepsTheOldKey) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(300);
  {
    const auto other = sqlite::Connection::open(f.path(), sqlite::Access::kReadWrite).value();
    ASSERT_TRUE(other->execute("UPDATE data_key SET place = 4711 WHERE alias = 'KEY7'"));
  }
  ASSERT_TRUE(f.rotation->begin("anna"));
  for (int i = 0; i < 6000 && f.rotation->state().fault.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  EXPECT_NE(f.rotation->state().fault.find("KEY7"), std::string::npos) << f.rotation->state().fault;
  EXPECT_TRUE(f.rotation->state().going_on);
  EXPECT_EQ(f.versions(), (Versions{1, 2}));
  EXPECT_EQ(f.keystore->key_sealing().census().value().old, 1U);
  EXPECT_EQ(read_key(*f.keystore, "KEY8").value(), "secret 8");
  EXPECT_FALSE(read_key(*f.keystore, "KEY7")) << "it must not be made good by a new MAC";
}

TEST(KeyRotation, K16_WithoutAWritableFileNothingBegins) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(5);
  Bytes other = file_content(f.key_path());
  const Bytes good = other;
  other.back() ^= 1;
  write_content(f.key_path(), other);
  const auto begun = f.rotation->begin("anna");
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::kConflict);
  EXPECT_NE(begun.error().message.find("changed by somebody else"), std::string::npos);
  EXPECT_FALSE(f.rotation->state().going_on);
  write_content(f.key_path(), good);
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish());
  f.expect_all(5);
}

// A ledger's key: whose entry it is, and its number there.
const TableSpec kEntries{
    .name = "entry",
    .columns = {{"server", ColumnType::kBlob, ColumnRole::kKey},
                {"sequence", ColumnType::kInteger, ColumnRole::kKey},
                {"text", ColumnType::kText, ColumnRole::kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = true,
};

// The search stops within the entries of one server and goes on in those of the next, whose numbers are
// lower.
TEST(KeyRotation, K16_PassesFromOneServersRowsToTheNextOnes) {
  constexpr std::int64_t kMany = static_cast<std::int64_t>(kRowsLookedAt) + 100;
  constexpr std::int64_t kFew = 500;
  Rotated f;
  f.tables.push_back(&kEntries);
  ASSERT_TRUE(f.start());
  ASSERT_TRUE(f.keystore->write([&](Transaction& t) -> Status {
    for (std::int64_t i = 1; i <= kMany; ++i) TRY(t.put(kEntries, {Bytes(16, 1), i, std::string("one")}));
    for (std::int64_t i = 1; i <= kFew; ++i) TRY(t.put(kEntries, {Bytes(16, 2), i, std::string("other")}));
    return {};
  }));
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish()) << f.rotation->state().text() << " " << f.rotation->state().fault;
  EXPECT_EQ(f.keystore->key_sealing().census().value().old, 0U);
  EXPECT_EQ(f.versions(), Versions{2});
  f.expect_all(0);
}

// Makes the database what a program wrote that knew no versions.
void write_without_versions(const std::string& path, const crypto::SecretBytes& master) {
  const KeyRing ring(first_version(master));
  const KeyView keys(ring);
  const Vault& vault = *keys.find(kFirstKeyVersion);
  const Layouts layouts({&kKeys, &kSettings});
  const auto connection = open_writer(path).value();
  State state = read_state(*connection, keys).value();
  ASSERT_TRUE(connection->execute("BEGIN"));
  for (const Layout& layout : layouts.all()) {
    RowAccess access(*connection, layouts, keys);
    std::vector<StoredRow> rows;
    {
      sqlite::Statement scan = connection->prepare(layout.scan_sql).value();
      while (scan.step().value()) rows.push_back(take_row(layout, scan).value());
    }
    TableSum& sum = state.tables[layout.name];
    sum.macs = MacSum();
    for (StoredRow& stored : rows) {
      for (std::size_t i = 0; i < stored.row.size(); ++i) {
        Bytes* box = std::get_if<Bytes>(&stored.row[i]);
        if (layout.spec.columns[i].role == ColumnRole::kSecret && box != nullptr && !box->empty()) {
          *box = to_bytes(ByteView(*box).subspan(kKeyVersionBytes));
        }
      }
      stored.head.key = kFormWithoutVersion;
      stored.head.mac = vault.row_mac(canonical_row(layout.spec, stored.head, stored.row));
      sum.macs.add(stored.head.mac);
      sqlite::Statement update = connection->prepare(layout.reseal_sql).value();
      update.bind_blob(6, stored.head.mac);
      for (std::size_t i = 0; i < stored.row.size(); ++i) {
        const ColumnRole role = layout.spec.columns[i].role;
        if (role == ColumnRole::kKey || role == ColumnRole::kSecret) {
          bind_value(update, static_cast<int>(i) + kHiddenColumns + 1, stored.row[i]);
        }
      }
      ASSERT_TRUE(update.run());
    }
  }
  state.tables.erase(std::string(kKeyVersionTable.name));
  ASSERT_TRUE(write_state(*connection, vault, state));
  Meta meta = read_meta(*connection, keys).value();
  meta.format = 1;
  ASSERT_TRUE(write_meta(*connection, vault, meta));
  for (const char* sql :
       {"DROP TABLE master_key_version", "DELETE FROM tw_schema WHERE name = 'master_key_version'",
        "UPDATE tw_state SET mac = substr(mac, 5)", "UPDATE tw_meta SET mac = substr(mac, 5)",
        "UPDATE tw_schema SET mac = substr(mac, 5)", "COMMIT"}) {
    ASSERT_TRUE(connection->execute(sql)) << sql;
  }
}

// Rows of the form without versions stand as they were, byte for byte, when a work fails that changed them.
TEST(KeyRotation, K16_ARowWithoutAVersionIsPutBackAsItWas) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(5);
  f.shut();
  const auto master = f.file_keys().value().front().key.clone();
  write_without_versions(f.path(), master);
  ASSERT_FALSE(HasFailure());
  ASSERT_TRUE(f.start());  // the notes get the present form
  f.shut();

  const KeyRing ring(first_version(master));
  const KeyView keys(ring);
  const Layouts layouts(with_own_tables({&kKeys, &kSettings}));
  const auto connection = open_writer(f.path()).value();
  const auto raw = [&] {
    return connection
        ->text_of(
            "SELECT group_concat(alias || hex(secret) || hex(row_mac) || row_version || row_commit, ' ') "
            "FROM (SELECT * FROM data_key WHERE alias <> 'KEY0' ORDER BY alias)")
        .value();
  };
  const std::string before = raw();
  crypto::SystemRandom random;
  Committer committer(RowAccess(*connection, layouts, keys), random, f.server, f.log,
                      read_state(*connection, keys).value());
  const Keystore::Work good = [](Transaction& t) { return put_key(t, "KEY0", "another"); };
  const Keystore::Work failing = [](Transaction& t) -> Status {
    TRY(put_key(t, "KEY1", "changed"));
    auto row = TRY(t.get(kKeys, {std::string("KEY2")}));
    (*row)[kUsed] = std::int64_t{5};
    TRY(t.put(kKeys, *row));
    TRY(t.erase(kKeys, {std::string("KEY3")}));
    return fail(ErrorCode::kConflict, "no");
  };
  const Keystore::Work* works[] = {&failing, &good};
  const auto outcomes = committer.run(works);
  EXPECT_FALSE(outcomes[0].result);
  EXPECT_TRUE(outcomes[1].result) << outcomes[1].result.error().text();
  EXPECT_EQ(raw(), before);
  RowAccess rows(*connection, layouts, keys);
  const auto faults = verify_database(rows, f.log);
  ASSERT_TRUE(faults);
  EXPECT_TRUE(faults->empty()) << describe(*faults);
}

TEST(KeyRotation, K16_AKeystoreWithoutVersionsPassesThroughByItself) {
  Rotated f;
  ASSERT_TRUE(f.start());
  f.add_keys(300);
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("KEY299")}); }));
  f.shut();
  write_without_versions(f.path(), f.file_keys().value().front().key);
  ASSERT_FALSE(HasFailure());
  const Status started = f.start();
  ASSERT_TRUE(started) << started.error().text();
  EXPECT_FALSE(f.rotation->state().going_on) << "old rows of the only version are no rotation";
  f.expect_all(299);
  // Rows get the new form one by one, as they are written...
  ASSERT_TRUE(f.keystore->write([](Transaction& t) -> Status {
    auto row = TRY(t.get(kKeys, {std::string("KEY3")}));
    (*row)[kUsed] = std::int64_t{5};
    return t.put(kKeys, *row);
  }));
  f.expect_all(299);
  ASSERT_TRUE(f.start());
  f.expect_all(299);
  // ...and the rest by a rotation.
  ASSERT_TRUE(f.rotation->begin("anna"));
  ASSERT_TRUE(f.finish()) << f.rotation->state().fault;
  f.expect_all(299);
  EXPECT_EQ(read_key(*f.keystore, "KEY299").value(), "-");
  ASSERT_TRUE(f.start());
  f.expect_all(299);
}

}  // namespace
}  // namespace tapewarden::store::testing
