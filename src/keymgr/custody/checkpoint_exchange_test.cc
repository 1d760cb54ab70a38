// K13: what a server holds of the other's audit record, and that nobody there can take it back.
#include "keymgr/custody/checkpoint_exchange.h"

#include <future>
#include <gtest/gtest.h>

#include "store/testing/memory_commit_log.h"

namespace tapewarden::keymgr {
namespace {

using store::testing::MemoryCommitLog;
using store::testing::TemporaryDirectory;

class DayClock final : public Clock {
 public:
  WallTime wall_now() override { return from_millis(day.load() * 86'400'000 + 1'000); }
  SteadyTime steady_now() override { return SteadyTime{}; }
  std::atomic<std::int64_t> day = 20'000;
};

// Hands calls straight to the other server.
class Wire final : public PeerLink {
 public:
  Result<Bytes> post(std::string_view path, ByteView body) override {
    if (to == nullptr) return fail(ErrorCode::kUnavailable, "the wire is cut");
    if (path == "checkpoints") return to->give();
    EXPECT_EQ(path, "checkpoint");
    std::promise<Result<Bytes>> answered;
    to->take(body, [&](Result<Bytes> answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  }
  CheckpointExchange* to = nullptr;
};

class Checkpoints : public ::testing::Test {
 protected:
  void SetUp() override {
    store::KeystoreOptions options;
    options.path = directory_.file("keystore.db");
    options.server = Uuid::from(Bytes(16, 2));
    options.tables = CheckpointExchange::tables();
    auto opened =
        store::Keystore::open(env(), std::move(options), crypto::SecretBytes::copy_of(Bytes(32, 7)), log_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    keystore_ = std::move(*opened);
    open();
  }
  void open() {
    holder_ = std::make_unique<CheckpointExchange>(env(), *keystore_, "primary", Uuid::from(Bytes(16, 1)),
                                                   key_.public_key(), back_);
    // The sender's side needs no keystore of its own here.
    sender_ = std::make_unique<CheckpointExchange>(env(), *keystore_, "secondary", Uuid::from(Bytes(16, 2)),
                                                   key_.public_key(), wire_);
    wire_.to = holder_.get();
  }
  Env env() { return {&clock_, &disk_, &random_, &pool_}; }

  audit::CheckpointNote note(std::uint64_t line, std::uint8_t chain = 1) const {
    audit::CheckpointNote out;
    out.server = "primary";
    out.at = "2026-11-21T02:40:32.123Z";
    out.point.line = line;
    out.point.chain.fill(chain);
    out.mark.sequence = line / 2;
    out.signature = key_.sign(audit::checkpoint_message(out.mark, out.point));
    return out;
  }
  std::vector<std::uint64_t> held_lines() const {
    std::vector<std::uint64_t> lines;
    const auto held = holder_->held();
    EXPECT_TRUE(held.has_value()) << held.error().text();
    for (const auto& one : held.value_or(std::vector<audit::CheckpointNote>{}))
      lines.push_back(one.point.line);
    return lines;
  }

  DayClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  ThreadPool pool_{2};
  TemporaryDirectory directory_;
  MemoryCommitLog log_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate_p256();
  Wire wire_;
  Wire back_;
  std::unique_ptr<store::Keystore> keystore_;
  std::unique_ptr<CheckpointExchange> holder_;
  std::unique_ptr<CheckpointExchange> sender_;
};

TEST_F(Checkpoints, K13_ThePeerHoldsTheNewestOfEachDay) {
  ASSERT_TRUE(sender_->send(note(10)));
  ASSERT_TRUE(sender_->send(note(20)));
  ++clock_.day;
  ASSERT_TRUE(sender_->send(note(30)));
  ++clock_.day;
  ASSERT_TRUE(sender_->send(note(40)));
  ASSERT_TRUE(sender_->send(note(50)));
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{20, 30, 50}));
  const auto told = sender_->held_by_peer();
  ASSERT_TRUE(told.has_value()) << told.error().text();
  EXPECT_EQ(*told, *holder_->held());
  EXPECT_EQ(told->size(), 3U);
  for (const auto& one : *told) EXPECT_TRUE(audit::is_signed_by(one, key_.public_key()));
  open();
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{20, 30, 50})) << "it lies in the keystore";
}

TEST_F(Checkpoints, K13_AClockThatIsPutBackWritesOverNoEarlierDay) {
  ASSERT_TRUE(sender_->send(note(10)));
  ++clock_.day;
  ASSERT_TRUE(sender_->send(note(20)));
  --clock_.day;
  ASSERT_TRUE(sender_->send(note(30)));
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{10, 30}));
}

TEST_F(Checkpoints, K13_ARecordThatGoesBackIsRefusedRecordedAndTold) {
  ASSERT_TRUE(sender_->send(note(20)));
  EXPECT_TRUE(holder_->alarm().empty());
  ASSERT_TRUE(sender_->send(note(20))) << "the same once more is nothing new";
  ++clock_.day;
  for (const auto& bad : {note(19), note(20, 2), note(1)}) {
    const auto before = log_.records().size();
    const Status sent = sender_->send(bad);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::kConflict);
    ASSERT_GT(log_.records().size(), before);
    EXPECT_NE(log_.records().back().find("audit.peer-checkpoint"), std::string::npos);
    EXPECT_NE(log_.records().back().find("\"outcome\":\"failure\""), std::string::npos);
    EXPECT_NE(holder_->alarm().find("primary"), std::string::npos);
  }
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{20}));
}

// A server that was restored and accepted goes on from an earlier line; what was held of the lost copy is
// kept.
TEST_F(Checkpoints, K13_ARestoredAndAcceptedPeerBeginsANewLine) {
  ASSERT_TRUE(sender_->send(note(50)));
  ++clock_.day;
  ASSERT_TRUE(sender_->send(note(90)));
  ASSERT_FALSE(sender_->send(note(60, 2))) << "not before an operator has accepted it";
  EXPECT_FALSE(holder_->alarm().empty());
  ASSERT_TRUE(keystore_->write(
      [&](store::Transaction& transaction) { return holder_->begin_new_line(transaction); }));
  EXPECT_TRUE(holder_->alarm().empty());
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{50, 90})) << "to be compared with the old record";
  ASSERT_TRUE(sender_->send(note(60, 2)));
  ASSERT_TRUE(sender_->send(note(61, 2)));
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{50, 90, 61}));
  EXPECT_FALSE(sender_->send(note(60, 2))) << "of the new line nothing goes back either";
  EXPECT_FALSE(holder_->alarm().empty());
  open();
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{50, 90, 61}));
  // Once more: each lost copy's last word stays in the keystore.
  ASSERT_TRUE(keystore_->write(
      [&](store::Transaction& transaction) { return holder_->begin_new_line(transaction); }));
  ASSERT_TRUE(sender_->send(note(7, 3)));
  EXPECT_EQ(held_lines(), (std::vector<std::uint64_t>{50, 90, 61, 7}));
}

TEST_F(Checkpoints, K13_WhatThePeerDidNotSignIsNotHeld) {
  auto forged = note(10);
  forged.point.line = 11;
  EXPECT_EQ(sender_->send(forged).error().code, ErrorCode::kUnauthenticated);
  const auto refused = [&](std::string_view body) {
    std::promise<Result<Bytes>> answered;
    holder_->take(as_bytes(body), [&](Result<Bytes> answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  };
  for (const auto* body : {"", "{}", "no JSON", "{\"anchor\":\"tapewarden audit 1\"}"}) {
    const auto answer = refused(body);
    ASSERT_FALSE(answer.has_value()) << body;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(held_lines().empty());
  EXPECT_TRUE(sender_->held_by_peer()->empty());
  wire_.to = nullptr;
  EXPECT_EQ(sender_->send(note(10)).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(sender_->held_by_peer().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace tapewarden::keymgr
