// A pair of key servers under every order of crash, cut, promotion, return, restore and destruction that a
// seeded choice of steps brings about (K19). The keystores, the merge rules, the epochs and both ends of the
// protocol are the real ones; only the wire is the model's: it loses messages and answers.
//
// What is checked
//  M1 No key of a use-once group is ever given out twice, whoever gives it out and whatever came between.
//  M2 What was acknowledged is there when the pair is whole again, as long as one server that had it was not
//     put back to a time before it.
//  M3 A key that was destroyed stays destroyed and has no secret; no state goes back.
//  M4 Both servers come to the same rows, and then to rest.
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "crypto/hash.h"
#include "keymgr/custody/pair_test_kit.h"

namespace tapewarden::keymgr {
namespace {

using tapewarden::testing::SimEnv;
using testing::ModelServer;

constexpr std::size_t kSeeds = 12;
constexpr std::size_t kStepsOfASeed = 8'400;
constexpr std::size_t kStepsBetweenChecks = 1'400;

// Seals nothing: gives a secret's hash, so that rows of two servers can be compared.
class HashSealer final : public store::ChangeSealer {
 public:
  Bytes seal(ByteView, const crypto::SecretBytes& secret) override {
    return to_bytes(ByteView(crypto::sha256(secret.reveal())));
  }
  Result<crypto::SecretBytes> open(ByteView, ByteView) override {
    return fail(ErrorCode::kUnsupported, "only for comparing");
  }
};

// Something that a server said it did.
struct Fact {
  enum class Kind : std::uint8_t { kMade, kGiven, kState } kind = Kind::kMade;
  Uuid key;
  KeyState state = KeyState::kPreActive;
  std::size_t origin = 0;
  std::array<std::uint64_t, 2> held{};  // for each server the commit that brought it; 0: none
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : sim_(seed), servers_{{sim_, 1}, {sim_, 2}} {
    reconnect();
    serve_alone_ = sim_.random.below(2) == 0;
  }

  void run(std::size_t steps) {
    begin();
    for (std::size_t i = 1; i <= steps && !::testing::Test::HasFatalFailure(); ++i) {
      sim_.clock.advance(std::chrono::milliseconds(10));
      step();
      if (i % kStepsBetweenChecks == 0) check();
    }
    counts["steps"] += steps;
  }

  static inline std::map<std::string, std::uint64_t> counts;

 private:
  static Actor actor() { return Actor::system(); }

  void reconnect() {
    for (std::size_t i : {0U, 1U}) servers_[i].meet(servers_[1 - i]);
  }
  std::size_t choose() { return sim_.random.below(2); }
  bool chance(std::uint64_t in) { return sim_.random.below(in) == 0; }

  void begin() {
    check_ok(servers_[0].manager->create_group(actor(), "once", {GroupPolicy::kUseOnce, 0, "TWK"}));
    check_ok(servers_[1].manager->create_group(actor(), "round", {GroupPolicy::kRoundRobin, 0, "TWR"}));
    if (serve_alone_) check_ok(servers_[0].manager->set_setting(actor(), kPeerExhausted, "serve"));
    settle();
  }
  template <typename T>
  void check_ok(const Result<T>& result) {
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
  }

  // One step: something that happens at a server, or a message on the wire.
  void step() {
    const std::size_t at = choose();
    const auto dice = sim_.random.below(1000);
    if (dice < 380) return give(at);
    if (dice < 400) return make_keys(at);
    if (dice < 500) return change_state(at);
    if (dice < 530) return use_by_alias(at);
    if (dice < 545) return set_setting(at);
    if (dice < 555) return move_key(at);
    if (dice < 962) return exchange(at);
    if (dice < 965) return copy_anew(at);
    if (dice < 980) return crash(at);
    if (dice < 988) return toggle_cut();
    if (dice < 991) return promote(at);
    if (dice < 995) return take_copy(at);
    if (dice < 997) return restore(at);
    return accept(at);
  }

  void give(std::size_t at) {
    ModelServer& server = servers_[at];
    std::optional<DataKey> key;
    const bool once = !chance(8);
    const auto done = server.keystore->write([&](store::Transaction& t) -> Status {
      key = TRY(server.manager->groups().take_next(t, once ? "once" : "round"));
      LedgerEntry entry;
      entry.alias = key->alias;
      entry.volume.bytes[0] = 1;
      TRY(server.manager->ledger().add(t, entry));
      return {};
    });
    if (!done) return make_keys(at);
    ++counts[once ? "given once" : "given by rounds"];
    if (once) {
      EXPECT_TRUE(given_.insert(key->id).second) << "M1: " << key->alias << " was given out twice";
    }
    answer(at, done->sequence, {{Fact::Kind::kGiven, key->id}});
  }

  // What a commit did is a fact from now on. In step with the peer, the answer waits until that has it too.
  void answer(std::size_t at, std::uint64_t commit, std::vector<Fact> facts) {
    ++counts["commits"];
    for (Fact& fact : facts) {
      fact.origin = at;
      fact.held[at] = commit;
      facts_.push_back(std::move(fact));
    }
    ModelServer& server = servers_[at];
    while (server.peer.in_step && server.peer.acknowledged < commit) exchange(at);
  }

  void make_keys(std::size_t at) {
    ModelServer& server = servers_[at];
    const char* groups[] = {"once", "once", "once", "round", ""};
    const std::string group = groups[sim_.random.below(5)];
    std::vector<DataKey> made;
    const auto done = server.keystore->write([&](store::Transaction& t) -> Status {
      made = TRY(server.manager->keys().generate(t, actor(), 1 + sim_.random.below(3), "TWK", group));
      return {};
    });
    if (!done) return;  // the group has not come here yet
    std::vector<Fact> facts;
    for (const DataKey& key : made) {
      facts.push_back({Fact::Kind::kMade, key.id, key.state});
      keys_.push_back(key.alias);
      ++counts["keys"];
    }
    answer(at, done->sequence, std::move(facts));
  }

  std::string some_key() { return keys_.empty() ? "NONE" : keys_[sim_.random.below(keys_.size())]; }

  void change_state(std::size_t at) {
    using enum KeyState;
    const KeyState states[] = {kActive, kDeactivated, kCompromised, kDestroyed, kDestroyedCompromised};
    const KeyState to = states[sim_.random.below(5)];
    ModelServer& server = servers_[at];
    const KeyLife& life = server.manager->life();
    DataKey key;
    const std::string alias = some_key();
    const auto done = server.keystore->write([&](store::Transaction& t) -> Status {
      if (!is_tombstone(to) && to != kCompromised) {
        key = TRY(server.manager->keys().change_state(t, actor(), alias, to));
        return {};
      }
      const KeyRef ref = TRY(life.data_key(t, alias));
      if (is_tombstone(to)) {
        const auto lost = TRY(count_cartridges(t, ref.ledger, CartridgeFilter::kNeeding));
        (void)TRY(life.destroy(t, actor(), ref, {.cartridges_lost = lost}, {}));
      } else {
        (void)TRY(life.compromise(t, actor(), ref));
      }
      key = *TRY(server.manager->keys().find(t, alias));
      return {};
    });
    if (!done) return;
    ++counts[is_tombstone(to) ? "destroyed" : "states"];
    answer(at, done->sequence, {{Fact::Kind::kState, key.id, key.state}});
  }

  void use_by_alias(std::size_t at) {
    ModelServer& server = servers_[at];
    const std::string alias = some_key();
    std::optional<DataKey> used;
    bool once = false;
    const auto done = server.keystore->write([&](store::Transaction& t) -> Status {
      const auto key = TRY(server.manager->keys().find(t, alias));
      if (!key) return fail(ErrorCode::kNotFound, "not here");
      once = key->group == "ONCE";
      used = TRY(server.manager->groups().take(t, *key));
      return {};
    });
    if (!done) return;
    ++counts["given by alias"];
    // A key in no group may begin many cartridges; it then never counts as unused in a use-once group.
    if (once) {
      EXPECT_TRUE(given_.insert(used->id).second) << "M1: " << alias << " was given out twice";
    }
    answer(at, done->sequence, {{Fact::Kind::kGiven, used->id, used->state}});
  }

  void set_setting(std::size_t at) {
    const std::string value = "label " + std::to_string(sim_.random.below(1000));
    check_ok(servers_[at].manager->set_setting(actor(), kDefaultLabel1, value));
    answer(at, servers_[at].keystore->head().sequence, {});
  }

  void move_key(std::size_t at) {
    const std::string alias = some_key();
    (void)servers_[at].manager->move_alias(actor(), alias, "once", "round");
    (void)servers_[at].manager->add_alias(actor(), "round", alias);
    answer(at, servers_[at].keystore->head().sequence, {});
  }

  void fall_out(std::size_t at) {
    servers_[at].sender->close();
    servers_[at].peer.in_step = false;
  }

  // One message from `at` to the other, with its answer, either of which may get lost.
  void exchange(std::size_t at) {
    if (cut_ || chance(60) || servers_[at].progress().again == CopyAgain::kRewrite) return fall_out(at);
    ModelServer& from = servers_[at];
    ModelServer& to = servers_[1 - at];
    if (!from.sender->in_session()) return open_session(at);
    auto message = from.sender->next();
    check_ok(message);
    if (!message) return fall_out(at);
    if (message->empty) {
      from.sender->skipped(*message);
      return progressed(at);
    }
    if (!to.session) return fall_out(at);
    const auto changes = to.receiver->open(message->body, *to.session);
    if (!changes) return fall_out(at);
    ChangeReceiver::Applied applied;
    const auto done = to.keystore->write([&](store::Transaction& t) -> Status {
      applied = TRY(to.receiver->apply(t, *changes, *to.session));
      PeerProgress progress = TRY(read_progress(t, to.parties));
      if (!applied.copy_complete || progress.again != CopyAgain::kRewrite) return {};
      progress.again = CopyAgain::kNo;
      return save_progress(t, to.parties.peer, progress);
    });
    // Honest servers never refuse each other's rows.
    if (done) {
      for (const auto& one : applied.refused) {
        ADD_FAILURE() << changes->rows[one.row].table << ": " << one.why;
      }
    }
    if (!done) return fall_out(at);
    ++counts["messages"];
    for (Fact& fact : facts_) {
      if (fact.held[1 - at] != 0 || fact.held[at] == 0 || fact.held[at] > changes->through) continue;
      if (fact.origin == at || changes->every_origin) fact.held[1 - at] = done->sequence;
    }
    if (chance(60)) return fall_out(at);  // the answer is lost
    ReplicationWelcome welcome;
    welcome.receiver = to.id;
    welcome.applied = changes->through;
    if (!from.sender->answered(*message, welcome.encode())) return fall_out(at);
    progressed(at);
  }

  void progressed(std::size_t at) {
    ModelServer& server = servers_[at];
    const std::uint64_t position = server.sender->position();
    server.peer.acknowledged = std::max(position, server.sender->held_through());
    const std::uint64_t resend = server.progress().resend_through;
    if (resend > 0 && position >= resend) {
      check_ok(server.keystore->write([&](store::Transaction& t) -> Status {
        PeerProgress progress = TRY(read_progress(t, server.parties));
        progress.resend_through = 0;
        return save_progress(t, server.parties.peer, progress);
      }));
    }
    if (position >= server.keystore->head().sequence) server.peer.in_step = true;
  }

  // An operator has everything copied anew, or this server rewritten with what the other has.
  void copy_anew(std::size_t at) {
    ModelServer& server = servers_[at];
    const CopyAgain how = chance(2) ? CopyAgain::kMerge : CopyAgain::kRewrite;
    PeerProgress progress = server.progress();
    if (!progress.complete || progress.again != CopyAgain::kNo || progress.resend_through > 0) return;
    check_ok(server.keystore->write([&](store::Transaction& t) -> Status {
      copy_again(progress, how, t.sequence());
      return save_progress(t, server.parties.peer, progress);
    }));
    server.session.reset();
    fall_out(at);
    ++counts[how == CopyAgain::kMerge ? "copied anew" : "rewritten"];
  }

  void open_session(std::size_t at) {
    ModelServer& from = servers_[at];
    ModelServer& to = servers_[1 - at];
    const auto hello = from.sender->hello();
    check_ok(hello);
    auto greeting = to.receiver->hello(*hello, to.refused);
    if (!greeting) return fall_out(at);
    if (greeting->session) to.session = greeting->session;
    if (!from.sender->welcomed(greeting->answer)) return fall_out(at);
    EXPECT_FALSE(from.sender->rolled_back());
    ++counts["sessions"];
    from.peer.acknowledged = std::max(from.sender->position(), from.sender->held_through());
  }

  void crash(std::size_t at) {
    ModelServer& server = servers_[at];
    server.close();
    if (chance(2)) server.log.drop_last(1);  // it fell between the database and the log
    server.open();
    reconnect();
    for (std::size_t i : {0U, 1U}) fall_out(i);
    ++counts["crashes"];
  }

  void toggle_cut() {
    cut_ = !cut_ && chance(2);
    if (cut_) ++counts["cuts"];
  }

  void promote(std::size_t at) {
    if (!cut_) return;
    const auto taken = servers_[at].manager->promote(actor(), servers_[1 - at].id);
    if (!taken) return;  // the other is not known here yet
    ++counts["promotions"];
    counts["taken over"] += *taken;
  }

  void take_copy(std::size_t at) {
    ModelServer& server = servers_[at];
    auto copy = std::make_unique<ModelServer::Copy>();
    copy->path = server.directory.file("copy" + std::to_string(counts["copies"]++) + ".db");
    check_ok(server.keystore->copy_to(copy->path));
    copy->log.copy_from(server.log);
    copy->commit = server.keystore->head().sequence;
    server.copy = std::move(copy);
  }

  // The machine is lost, and an older copy takes its place in a new epoch.
  void restore(std::size_t at) {
    ModelServer& server = servers_[at];
    if (!server.copy) return;
    server.close();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(server.path + suffix);
    std::filesystem::copy_file(server.copy->path, server.path);
    server.log.copy_from(server.copy->log);
    server.open();
    check_ok(server.manager->begin_epoch(actor()));
    for (Fact& fact : facts_) {
      if (fact.held[at] > server.copy->commit) fact.held[at] = 0;
    }
    const auto lost =
        std::erase_if(facts_, [](const Fact& fact) { return fact.held == std::array<std::uint64_t, 2>{}; });
    counts["lost with their only server"] += lost;
    server.copy.reset();
    reconnect();
    for (std::size_t i : {0U, 1U}) fall_out(i);
    ++counts["restores"];
  }

  void accept(std::size_t at) {
    ModelServer& server = servers_[at];
    if (!server.refused) return;
    const Incarnation offered = *server.refused;
    check_ok(server.keystore->write([&](store::Transaction& t) -> Status {
      return accept_restored(t, server.parties, actor(), offered);
    }));
    server.refused.reset();
    server.session.reset();
    server.peer.acknowledged = 0;
    fall_out(at);
    ++counts["accepted"];
  }

  // Heals everything and lets the servers talk until neither has anything to say.
  void settle() {
    cut_ = false;
    std::uint64_t quiet = 0;
    for (int i = 0; i < 5000 && quiet < 4; ++i) {
      const auto heads = std::pair(servers_[0].keystore->head(), servers_[1].keystore->head());
      for (std::size_t at : {0U, 1U}) {
        if (servers_[at].refused) accept(at);
        exchange(at);
      }
      const bool still = heads.first == servers_[0].keystore->head() &&
                         heads.second == servers_[1].keystore->head() && servers_[0].peer.in_step &&
                         servers_[1].peer.in_step;
      quiet = still ? quiet + 1 : 0;
    }
    EXPECT_EQ(quiet, 4U) << "M4: the servers do not come to rest";
  }

  using Rows = std::map<std::string, std::string>;
  Rows rows_of(ModelServer& server) {
    HashSealer sealer;
    Rows out;
    std::uint64_t after = 0;
    while (true) {
      store::ExportRequest request;
      request.after = after;
      request.limit = 10'000;
      request.every_origin = true;
      const auto changes = server.keystore->export_changes(request, sealer);
      EXPECT_TRUE(changes);
      if (!changes) return out;
      for (const auto& row : changes->rows) {
        ByteWriter key;
        ByteWriter content;
        content.u64(static_cast<std::uint64_t>(row.version)).bytes(row.origin.view()).u8(row.erased ? 1 : 0);
        const auto& table = *std::ranges::find(tables_, row.table, [](const auto* t) { return t->name; });
        for (std::size_t i = 0; i < row.row.size(); ++i) {
          const bool is_key = table->columns[i].role == store::ColumnRole::kKey;
          put(is_key ? key : content, row.row[i]);
        }
        out[row.table + " " + to_hex(key.view())] = to_hex(crypto::sha256(content.view()));
      }
      if (changes->through == after || changes->through >= server.keystore->head().sequence) return out;
      after = changes->through;
    }
  }
  static void put(ByteWriter& out, const store::Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      out.u8(1).u64(static_cast<std::uint64_t>(*number));
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      out.u8(2).bytes32(as_bytes(*text));
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
      out.u8(3).bytes32(*bytes);
    } else {
      out.u8(0);
    }
  }

  void check() {
    settle();
    const Rows a = rows_of(servers_[0]);
    const Rows b = rows_of(servers_[1]);
    EXPECT_EQ(a.size(), b.size()) << "M4";
    std::size_t shown = 0;
    for (const auto& [key, row] : a) {
      const auto other = b.find(key);
      if (other != b.end() && other->second == row) continue;
      ADD_FAILURE() << "M4: " << key << (other == b.end() ? " is missing" : " differs");
      if (++shown > 5) break;
    }
    for (std::size_t at : {0U, 1U}) check_facts(at);
    for (Fact& fact : facts_) {
      for (std::size_t at : {0U, 1U}) fact.held[at] = servers_[at].keystore->head().sequence;
    }
    ++counts["checks"];
    counts["rows compared"] += a.size();
  }

  void check_facts(std::size_t at) {
    ModelServer& server = servers_[at];
    std::map<Uuid, DataKey> keys;
    std::map<Uuid, bool> opens;
    EXPECT_TRUE(server.keystore->read([&](store::Reader& reader) -> Status {
      for (const auto& row : TRY(reader.query(kDataKeyTable, "1", {}))) {
        DataKey key = DataKey::from_row(row);
        opens[key.id] = server.manager->keys().open(reader, key).has_value();
        keys[key.id] = std::move(key);
      }
      return {};
    }));
    EXPECT_TRUE(server.keystore->verify().value().empty());
    for (const auto& [id, key] : keys) {
      EXPECT_EQ(opens[id], !is_tombstone(key.state)) << "M3: " << key.alias;
      EXPECT_EQ(key.sealed_key.empty(), is_tombstone(key.state)) << "M3: " << key.alias;
    }
    for (const Fact& fact : facts_) {
      const auto key = keys.find(fact.key);
      ASSERT_TRUE(key != keys.end()) << "M2: a key is lost at " << at;
      const std::int64_t uses = fact.kind == Fact::Kind::kGiven ? 1 : 0;
      EXPECT_GE(key->second.uses, uses) << "M2: a use is lost";
      EXPECT_EQ(join(key->second.state, fact.state), key->second.state) << "M3: " << key->second.alias;
    }
  }

  SimEnv sim_;
  ModelServer servers_[2];
  const std::vector<const store::TableSpec*> tables_ = tables();
  std::vector<Fact> facts_;
  std::set<Uuid> given_;  // keys of the use-once group that began a cartridge, ever
  std::vector<std::string> keys_;
  bool cut_ = false;
  bool serve_alone_ = false;
};

TEST(PairModel, K19_NothingIsLostNorGivenTwiceInAnyOrderOfFaults) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    model.run(kStepsOfASeed);
    if (HasFailure()) break;
  }
  for (const auto& [what, count] : Model::counts) {
    std::printf("  %-28s %llu\n", what.c_str(), static_cast<unsigned long long>(count));
  }
  EXPECT_GE(Model::counts["steps"], 100'000U);
  for (const char* what :
       {"promotions", "restores", "accepted", "crashes", "cuts", "destroyed", "copied anew", "rewritten"}) {
    EXPECT_GT(Model::counts[what], 0U) << what;
  }
}

}  // namespace
}  // namespace tapewarden::keymgr
