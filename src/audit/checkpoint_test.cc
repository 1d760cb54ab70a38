// K13: checkpoints that are kept elsewhere, and what they prove about a record that was changed with care:
// cut off or rewritten, and its chain made anew so that it is whole in itself.
#include <algorithm>
#include <gtest/gtest.h>

#include "audit/audit_file.h"
#include "audit/record.h"
#include "audit/segments.h"
#include "audit/verify.h"
#include "base/testing/sim_env.h"
#include "base/text.h"

namespace tapewarden::audit {
namespace {

using testing::SimEnv;

constexpr const char* kDirectory = "/audit";
constexpr const char* kCurrent = "/audit/audit.jsonl";

store::CommitMark mark(std::uint64_t sequence) {
  store::CommitMark out;
  out.sequence = sequence;
  out.head.fill(static_cast<std::uint8_t>(sequence));
  return out;
}

std::string event(const std::string& actor, Outcome outcome = Outcome::kSuccess) {
  return Record(EventType::kKeyServing, outcome, "key.serve").actor(actor).json();
}

class Anchors : public ::testing::Test, public AuditObserver {
 protected:
  void SetUp() override { open(); }

  void open() {
    audit.reset();
    auto opened = AuditFile::open(sim.env(), options);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    audit = std::move(*opened);
    audit->set_checkpoint_signer([this](ByteView message) { return key.sign(message); });
    audit->set_observer(this);
  }
  void recorded(const Line&, std::string_view text) override { lines.emplace_back(text); }
  void checkpointed(const CheckpointNote& note) override { notes.push_back(note); }

  void append(std::uint64_t from, std::uint64_t to) const {
    for (std::uint64_t i = from; i <= to; ++i) {
      const std::vector<std::string> records{event("drive " + std::to_string(i))};
      ASSERT_TRUE(audit->append(mark(i), records));
    }
  }
  CheckpointNote checkpoint() const {
    const auto made = audit->checkpoint();
    EXPECT_TRUE(made.has_value());
    return made.value_or(CheckpointNote{});
  }
  VerifyReport verify(std::vector<CheckpointNote> against) {
    const auto report = verify_files(sim.disk, kDirectory, {.key = &public_key, .against = against});
    EXPECT_TRUE(report.has_value()) << report.error().text();
    return report.value_or(VerifyReport{});
  }
  // What somebody does who may write the file but not sign: keeps the first `kept` lines, puts `actor` in
  // place of "drive 2", leaves the checkpoints out and makes the chain anew. The record is whole in itself
  // after it.
  void forge(std::size_t kept, const std::string& actor) {
    audit.reset();
    const std::string text(as_text(sim.disk.content(kCurrent)));
    std::string out;
    ChainPoint point;
    std::size_t taken = 0;
    for (const auto& one : split(text, '\n')) {
      const auto line = parse_line(one);
      if (!line || ++taken > kept) break;
      if (line->kind == LineKind::kCheckpoint) continue;
      std::string body(line->body);
      if (const auto at = body.find("drive 2\""); at != std::string::npos) body.replace(at, 7, actor);
      std::optional<std::uint64_t> end;
      if (line->end) end = line->kind == LineKind::kMark ? point.line : point.line + 1;
      append_line(out, point, sim.clock.wall_now(), body, end);
    }
    ASSERT_TRUE(write_file_atomically(sim.disk, kCurrent, as_bytes(out), 0600));
  }

  SimEnv sim{1};
  AuditOptions options{.directory = kDirectory, .reserve_bytes = 0, .server = "primary"};
  std::unique_ptr<AuditFile> audit;
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  crypto::PublicKey public_key = key.public_key();
  std::vector<std::string> lines;
  std::vector<CheckpointNote> notes;
};

TEST_F(Anchors, K13_ANotedCheckpointIsReadBackOutOfASyslog) {
  append(1, 3);
  const CheckpointNote made = checkpoint();
  append(4, 5);
  const CheckpointNote later = checkpoint();
  EXPECT_EQ(made.server, "primary");
  EXPECT_TRUE(is_signed_by(made, public_key));
  const std::string text = "something else\n<109>1 2026-11-21T02:40:32Z host keyd 7 audit - " +
                           note_text(made) + "\r\n\n" + note_text(later);
  const auto read = parse_notes(text);
  ASSERT_TRUE(read.has_value()) << read.error().text();
  EXPECT_EQ(*read, (std::vector<CheckpointNote>{made, later}));
  EXPECT_EQ(notes, *read) << "who sends them elsewhere was told the same";
}

TEST_F(Anchors, K13_ALiveRecordThatWasCutOffIsFoundByTheKeystoresHead) {
  append(1, 10);
  audit.reset();
  VerifyOptions options_now{.key = &public_key, .newest = mark(10)};
  EXPECT_FALSE(verify_files(sim.disk, kDirectory, options_now)->fault);
  const Bytes whole = to_bytes(sim.disk.content(kCurrent));
  const auto half = as_text(whole).rfind('\n', whole.size() / 2);
  ASSERT_TRUE(write_file_atomically(sim.disk, kCurrent, ByteView(whole).first(half + 1), 0600));
  const auto cut = verify_files(sim.disk, kDirectory, options_now).value();
  ASSERT_TRUE(cut.fault);
  EXPECT_NE(cut.fault->message.find("commit 10"), std::string::npos) << cut.fault->message;
  // The right number, but not the keystore's commit.
  ASSERT_TRUE(write_file_atomically(sim.disk, kCurrent, whole, 0600));
  options_now.newest->head.fill(0x55);
  EXPECT_TRUE(verify_files(sim.disk, kDirectory, options_now)->fault);
}

TEST_F(Anchors, K13_OnlyTheFilesEndMayBeUnfinished) {
  append(1, 4);
  audit.reset();
  const std::string whole(as_text(sim.disk.content(kCurrent)));
  const auto middle = whole.find('\n', whole.size() / 2) + 1;
  const std::string hidden = whole.substr(0, middle) + std::string(5U << 20, 'x') + whole.substr(middle);
  ASSERT_TRUE(write_file_atomically(sim.disk, kCurrent, as_bytes(hidden), 0600));
  const auto report = verify({});
  ASSERT_TRUE(report.fault);
  EXPECT_EQ(report.unfinished_bytes, 0U);
  ASSERT_TRUE(write_file_atomically(sim.disk, kCurrent, as_bytes(whole + "{\"n\":"), 0600));
  const auto torn = verify({});
  EXPECT_FALSE(torn.fault) << torn.fault->message;
  EXPECT_EQ(torn.unfinished_bytes, 5U);
}

TEST_F(Anchors, K17_ARecordThatARestoreBeganSaysWhichNotesAreOfTheOneBefore) {
  append(1, 8);
  const CheckpointNote before = checkpoint();
  audit.reset();
  // The copy of commit 5 was put back, and its record begins anew behind it.
  sim.clock.advance(std::chrono::hours(1));
  options.directory = "/restored";
  options.begin_after = mark(5);
  open();
  append(6, 7);
  const CheckpointNote after = checkpoint();
  const std::vector<CheckpointNote> both{before, after};
  const auto report =
      verify_files(sim.disk, "/restored", {.key = &public_key, .against = both, .newest = mark(7)}).value();
  EXPECT_FALSE(report.fault) << report.fault->message;
  EXPECT_EQ(report.began_after, 5U);
  EXPECT_EQ(report.notes_of_earlier_record, 1U);
  EXPECT_EQ(report.notes_compared, 1U);
  // A record that no restore began has no earlier one.
  EXPECT_EQ(verify({before}).began_after, 0U);
}

TEST_F(Anchors, K13_TheRecordThatMadeACheckpointHoldsIt) {
  append(1, 3);
  const auto first = checkpoint();
  append(4, 9);
  const auto second = checkpoint();
  const auto report = verify({second, first});
  EXPECT_FALSE(report.fault) << report.fault->message;
  EXPECT_EQ(report.notes_compared, 2U);
  EXPECT_EQ(report.notes_too_old, 0U);
  EXPECT_EQ(report.signatures_checked, 2U);
}

TEST_F(Anchors, K13_ARecordThatWasCutOffAndChainedAnewIsFoundByANotedCheckpoint) {
  append(1, 9);
  const auto noted = checkpoint();
  forge(9, "drive 2");
  const auto alone = verify({});
  ASSERT_FALSE(alone.fault) << "in itself it is whole: " << alone.fault->message;
  const auto report = verify({noted});
  ASSERT_TRUE(report.fault);
  EXPECT_EQ(report.fault->code, ErrorCode::kCorrupt);
  EXPECT_NE(report.fault->message.find("ends at line number 9"), std::string::npos) << report.fault->message;
  EXPECT_NE(report.fault->message.find("line number 19"), std::string::npos) << report.fault->message;
  EXPECT_NE(report.fault->message.find(noted.at), std::string::npos);
}

TEST_F(Anchors, K13_ARecordThatWasRewrittenAndGrewOnIsFoundByANotedCheckpoint) {
  append(1, 9);
  const auto noted = checkpoint();
  forge(99, "drive 7");
  open();
  append(10, 20);
  ASSERT_FALSE(verify({}).fault) << "in itself it is whole";
  const auto report = verify({noted});
  ASSERT_TRUE(report.fault);
  EXPECT_NE(report.fault->message.find("audit.jsonl, line number 19 (line 19 of the file)"),
            std::string::npos)
      << report.fault->message;
  EXPECT_NE(report.fault->message.find("chain was made anew"), std::string::npos) << report.fault->message;
}

TEST_F(Anchors, K13_AFullFileIsCheckedAloneAndAgainstItsOwnCheckpoints) {
  options.file_bytes = 2'000;
  open();
  std::vector<CheckpointNote> all;
  for (std::uint64_t i = 1; i <= 30; ++i) {
    append(i, i);
    all.push_back(checkpoint());
  }
  const auto files = list_segments(sim.disk, kDirectory);
  ASSERT_TRUE(files.has_value());
  ASSERT_GT(files->size(), 3U);
  const auto report = verify_file(sim.disk, std::string(kDirectory) + "/" + files->back(),
                                  {.key = &public_key, .against = all});
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_FALSE(report->fault) << report->fault->message;
  EXPECT_GT(report->first_line, 1U);
  EXPECT_GT(report->notes_compared, 0U);
  EXPECT_GT(report->notes_too_old, 0U);
  EXPECT_EQ(report->notes_compared + report->notes_too_old, 30U);
}

TEST_F(Anchors, K13_ACheckpointOfAnotherServerProvesNothing) {
  append(1, 3);
  auto noted = checkpoint();
  const auto other = crypto::PrivateKey::generate_p256();
  noted.signature = other.sign(checkpoint_message(noted.mark, noted.point));
  const std::vector<CheckpointNote> against{noted};
  const auto report = verify_files(sim.disk, kDirectory, {.key = &public_key, .against = against});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(report.error().field, "against");
  // Without the key its chain is compared nevertheless.
  EXPECT_FALSE(verify_files(sim.disk, kDirectory, {.against = against})->fault);
}

TEST_F(Anchors, K13_MalformedNotesAreNamed) {
  append(1, 2);
  const std::string good = note_text(checkpoint());
  EXPECT_TRUE(parse_note(good).has_value());
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"line\":5", "\"line\":-5"},
                                 {"\"line\":5", "\"line\":\"5\""},
                                 {"\"commit\":2", "\"commits\":2"},
                                 {"\"after\":\"", "\"after\":\"0"},
                                 {"\"head\":\"", "\"head\":\"zz"},
                                 {"\"server\":\"primary\"", "\"server\":7"},
                                 {"\"server\":\"primary\"", "\"server\":\"a\\u000ab\""},
                                 {"tapewarden audit 1", "tapewarden audit 2"}}) {
    std::string bad = good;
    const auto at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    EXPECT_FALSE(parse_note(bad).has_value()) << bad;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(parse_note(good.substr(0, length)).has_value()) << length;
  }
  const auto named = parse_notes("first\n" + good.substr(0, good.size() - 4) + "\n");
  ASSERT_FALSE(named.has_value());
  EXPECT_EQ(named.error().field, "against");
  EXPECT_NE(named.error().message.find("line 2"), std::string::npos) << named.error().message;
  EXPECT_EQ(parse_notes("").error().field, "against");
  EXPECT_EQ(parse_notes("nothing here\n").error().field, "against");
  EXPECT_EQ(parse_notes(std::string(kNotesTextLimit + 1, 'x')).error().field, "against");
}

TEST_F(Anchors, K13_EventsAreToldOnceAndOnlyEvents) {
  append(1, 2);
  const std::vector<std::string> refused{event("eve\"}\n{\"n\":1", Outcome::kFailure)};
  ASSERT_TRUE(audit->note(refused));
  (void)checkpoint();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("drive 1"), std::string::npos);
  EXPECT_NE(lines[2].find("\"outcome\":\"failure\""), std::string::npos);
  for (const auto& line : lines) {
    EXPECT_TRUE(is_printable(line)) << "no field ends a line";
    EXPECT_TRUE(parse_line(line).has_value());
  }
  EXPECT_EQ(audit->lines_since_checkpoint(), 0U);
}

}  // namespace
}  // namespace tapewarden::audit
