// Rows that come from the peer, and what becomes of those that meet a row here.
//
// Invariants
//  A1 What two rows become does not depend on which of them is here, nor on the order in which several meet:
//     rules are symmetric and monotone (MergeRule), and the default takes the higher (version, origin).
//  A2 A row that is stored unchanged keeps its version and origin and is not sent back. One that is stored
//     changed, or that beats a higher version, gets version max + 1 and this server as origin, so the other
//     learns of it. The other then finds its own row contained in it and takes it as it is: nothing swings.
//     Where the sender's word stands (ChangeSource::theirs_stand) its content is taken, by the same rule of
//     versions: no row's version goes back, and the sender takes the higher version of its own content.
//  A3 A row that its table's PeerRights do not allow, now or after the others of the message, changes nothing
//     and is reported.
#include <algorithm>

#include "crypto/hash.h"
#include "store/record_text.h"
#include "store/replication.h"

namespace tapewarden::store {
namespace {

constexpr std::size_t kShownBytes = 64;  // of a blob in a conflict's text
constexpr std::size_t kShownText = 200;
constexpr std::int64_t kVersionLimit = std::int64_t{1} << 62;  // no row changes so often
// Beyond the version here: what a server may have changed while the two were apart. A thousand changes a
// second make it in fifty days.
constexpr std::int64_t kVersionJump = std::int64_t{1} << 32;
// How often what waits for other rows of its message is tried again: no row waits for a longer chain.
constexpr int kRounds = 8;
constexpr std::size_t kPeerValueLimit = 1U << 20;  // bytes of one text or blob

bool has_secret(const Value& value) {
  const Bytes* box = std::get_if<Bytes>(&value);
  return box != nullptr && !box->empty();
}

// A message that another release wrote, or that is no message of a key server: nothing of it is taken.
Status check_table(const Layout& layout, const RowChange& change) {
  if (!layout.spec.replicated) {
    return fail(ErrorCode::kInvalidArgument, "the peer sent a row of a table that stays on its server",
                layout.name);
  }
  const auto& columns = layout.spec.columns;
  bool named = change.row.size() == columns.size();
  for (std::size_t i = 0; named && i < columns.size(); ++i) {
    named = columns[i].role != ColumnRole::kKey || has_type(change.row[i], columns[i].type);
  }
  if (named) return {};
  return fail(ErrorCode::kInvalidArgument, "the peer's row does not fit the table", layout.name,
              "run the same version of the program on both servers");
}

std::unexpected<Error> no_row(std::string why, std::string_view column = {}) {
  return fail(ErrorCode::kInvalidArgument, std::move(why), std::string(column));
}

constexpr std::uint32_t kAnotherRow = 1U << 26U;  // Error::detail: ApplyReport::Refused::another

// Not the row's fault: it may well be in order.
bool is_own_trouble(const Error& error) {
  return error.code == ErrorCode::kIo || error.code == ErrorCode::kInternal ||
         error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
         error.code == ErrorCode::kExhausted;
}

// What holds for every table.
Status check_values(const Layout& layout, const RowChange& change) {
  const auto& columns = layout.spec.columns;
  if (change.version < 1 || change.version > kVersionLimit) return no_row("its version is out of range");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Value& value = change.row[i];
    const bool null = std::holds_alternative<std::monostate>(value);
    const bool may_be_null = columns[i].role == ColumnRole::kLocal || change.erased;
    if (null ? !may_be_null : !has_type(value, columns[i].type)) {
      return no_row("it holds a value of another type", columns[i].name);
    }
    const auto* words = std::get_if<std::string>(&value);
    const auto* bytes = std::get_if<Bytes>(&value);
    if ((words != nullptr && words->size() > kPeerValueLimit) ||
        (bytes != nullptr && bytes->size() > kPeerValueLimit)) {
      return no_row("it holds a value that is too long", columns[i].name);
    }
  }
  if (printable_key(key_of(layout.spec, change.row)).size() <= kKeyBytesLimit) return {};
  return no_row("its key is too long");
}

// As a MergeRule sees a row: no local notes, and of a secret only whether it is there.
Row opinion_of(const Layout& layout, const Row& row) {
  Row out = row;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const ColumnRole role = layout.spec.columns[i].role;
    if (role == ColumnRole::kLocal) out[i] = Value();
    if (role == ColumnRole::kSecret) out[i] = has_secret(row[i]) ? Bytes(1, 1) : Bytes();
  }
  return out;
}

std::string shown(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return json_quoted(text->substr(0, kShownText));
  const auto* bytes = std::get_if<Bytes>(&value);
  if (bytes == nullptr) return "null";
  std::string hex = to_hex(ByteView(*bytes).first(std::min(bytes->size(), kShownBytes)));
  if (bytes->size() > kShownBytes) hex += "... (" + std::to_string(bytes->size()) + " bytes)";
  return json_quoted(hex);
}

// For people: the columns by name. Of a secret only whether it is there.
std::string content_text(const Layout& layout, const Row& opinion, bool erased) {
  if (erased) return R"({"erased":true})";
  std::string out = "{";
  for (std::size_t i = 0; i < opinion.size(); ++i) {
    const Column& column = layout.spec.columns[i];
    if (column.role == ColumnRole::kLocal) continue;
    out += out.size() > 1 ? "," : "";
    out += json_quoted(column.name) + ":";
    if (column.role == ColumnRole::kSecret) {
      out += has_secret(opinion[i]) ? "\"held\"" : "\"not held\"";
    } else {
      out += shown(opinion[i]);
    }
  }
  return out + "}";
}

// Two rows with one key: the one here and the one that came.
struct Meeting {
  const Layout& layout;
  const StoredRow& mine;
  const RowChange& theirs;
  Row my_opinion;
  Row their_opinion;
  bool same_secrets = true;
  bool mine_is_high = false;
  bool concurrent = false;

  bool same() const {
    return mine.head.erased == theirs.erased && same_secrets && my_opinion == their_opinion;
  }
  bool erased() const { return mine.head.erased || theirs.erased; }
};

// What a meeting came to. `secrets_from_me` and `secrets_from_them`: the secret columns are those of that
// row, as far as values go.
struct Outcome {
  Row row;
  bool erased = false;
  bool secrets_from_me = true;
  bool secrets_from_them = true;
  bool no_secrets = false;
  bool conflict = false;
};

class Applier {
 public:
  Applier(WriteSession& session, const ChangeSource& source, ChangeSealer& sealer)
      : session_(session), source_(source), sealer_(sealer) {}

  // What stands in the way of a row, for now; nothing: it was applied.
  struct Obstacle {
    std::string why;
    bool clash = false;    // with another row, by a unique index
    bool another = false;  // ApplyReport::Refused
  };

  Result<std::optional<Obstacle>> apply(const RowChange& change) {
    const Layout* layout = session_.access().layouts().find(change.table);
    if (layout == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "the peer sent a row of an unknown table", change.table,
                  "run the same version of the program on both servers");
    }
    TRY(check_table(*layout, change));
    const auto before = TRY(session_.find(*layout, key_of(layout->spec, change.row)));
    const Status allowed = check(*layout, before, change);
    if (!allowed && is_own_trouble(allowed.error())) return std::unexpected(allowed.error());
    if (!allowed) {
      return std::optional(Obstacle{allowed.error().text(), false, allowed.error().detail == kAnotherRow});
    }
    const bool stored =
        before ? TRY(meet(TRY(meeting(*layout, *before, change)), before))
               : TRY(store(*layout, before, change.version, change.origin, TRY(row_of(*layout, change))));
    if (stored) return std::optional<Obstacle>();
    return std::optional(Obstacle{"another row has what it alone may have", true, false});
  }

  // A row that stays refused.
  void leave_out(const RowChange& change, std::size_t place, Obstacle obstacle) {
    const Layout* layout = session_.access().layouts().find(change.table);
    report.refused.push_back({place, layout->name, printable_key(key_of(layout->spec, change.row)),
                              std::move(obstacle.why), obstacle.another});
    if (!obstacle.clash) return;
    const Row opinion = opinion_of(*layout, change.row);
    RowConflict conflict;
    conflict.table = layout->name;
    conflict.key = printable_key(key_of(layout->spec, change.row));
    conflict.high = {change.version, change.origin, content_text(*layout, opinion, change.erased)};
    report.conflicts.push_back(std::move(conflict));
  }

  ApplyReport report;

 private:
  // A row as it will be stored, without local columns.
  struct NewRow {
    Row row;
    bool erased = false;
  };

  // Whether the table's rights allow the row (schema.h).
  Status check(const Layout& layout, const std::optional<StoredRow>& before, const RowChange& change) {
    const PeerRights& rights = layout.spec.peer;
    TRY(check_values(layout, change));
    if (!source_.everything && change.origin != source_.sender) return no_row("it is another server's word");
    if (change.version > (before ? before->head.version : 0) + kVersionJump) {
      return no_row("its version is far beyond any that was seen");
    }
    if (change.erased && !rights.may_erase) return no_row("rows of this table are never erased");
    const bool lives = before && !before->head.erased;
    if (lives && !change.erased) TRY(check_fixed(layout, *before, change));
    if (rights.check == nullptr) return {};
    const Row theirs = opinion_of(layout, change.row);
    const Row mine = lives ? opinion_of(layout, before->row) : Row();
    return rights.check(layout.spec,
                        {theirs, lives ? &mine : nullptr, change.version, change.erased, source_.sender,
                         session_.server(), source_.everything, source_.now, session_,
                         [&](std::size_t column) { return open(layout, change, column); }});
  }

  Status check_fixed(const Layout& layout, const StoredRow& mine, const RowChange& change) {
    for (const std::string_view name : layout.spec.peer.fixed) {
      const auto column = static_cast<std::size_t>(
          std::ranges::find(layout.spec.columns, name, &Column::name) - layout.spec.columns.begin());
      bool same = true;
      if (layout.spec.columns[column].role != ColumnRole::kSecret) {
        same = mine.row[column] == change.row[column];
      } else if (has_secret(mine.row[column]) && has_secret(change.row[column])) {
        const auto here = TRY(session_.access().unseal(layout.spec, mine.row, column));
        same = here == TRY(open(layout, change, column));
      }
      if (same) continue;
      return fail(ErrorCode::kInvalidArgument, "it changes what is written once", std::string(name), {},
                  kAnotherRow);
    }
    return {};
  }

  bool theirs_stand(const Layout& layout) const {
    return std::ranges::find(source_.theirs_stand, layout.name) != source_.theirs_stand.end();
  }

  // Whether the sender had the row here when it sent its own.
  bool known_to_sender(const RowHead& mine, std::int64_t their_version) const {
    // A server's own versions of a row are a line, unless an old copy of that server came back.
    if (mine.origin == source_.sender) return their_version > mine.version;
    return static_cast<std::uint64_t>(mine.commit) <= source_.sender_knows;
  }

  Result<Meeting> meeting(const Layout& layout, const StoredRow& mine, const RowChange& theirs) {
    Meeting out{layout, mine, theirs, opinion_of(layout, mine.row), opinion_of(layout, theirs.row)};
    if (!out.erased()) out.same_secrets = TRY(same_secrets(out));
    const std::pair my_head(mine.head.version, mine.head.origin);
    const std::pair their_head(theirs.version, theirs.origin);
    out.mine_is_high = my_head != their_head ? my_head > their_head : TRY(mine_ranks_higher(out));
    const bool known_here = static_cast<std::uint64_t>(theirs.commit) <= source_.known_here;
    // Where the sender's word stands its row counts as the later one.
    out.concurrent = !theirs_stand(layout) &&
                     (my_head == their_head || (!known_here && !known_to_sender(mine.head, theirs.version)));
    return out;
  }

  // Equal version and origin, other content: only after an old copy came back. Any order will do that both
  // servers find.
  Result<bool> mine_ranks_higher(const Meeting& meeting) {
    if (meeting.mine.head.erased != meeting.theirs.erased) return meeting.mine.head.erased;
    if (meeting.my_opinion != meeting.their_opinion) return meeting.my_opinion > meeting.their_opinion;
    for (std::size_t i = 0; i < meeting.my_opinion.size(); ++i) {
      if (!has_secret(meeting.my_opinion[i]) || meeting.layout.spec.columns[i].role != ColumnRole::kSecret) {
        continue;
      }
      const auto mine = TRY(session_.access().unseal(meeting.layout.spec, meeting.mine.row, i));
      const auto theirs = TRY(open(meeting.layout, meeting.theirs, i));
      const Hash256 my_hash = crypto::sha256(mine.reveal());
      const Hash256 their_hash = crypto::sha256(theirs.reveal());
      if (my_hash != their_hash) return my_hash > their_hash;
    }
    return true;
  }

  Result<bool> same_secrets(const Meeting& meeting) {
    for (std::size_t i = 0; i < meeting.my_opinion.size(); ++i) {
      if (meeting.layout.spec.columns[i].role != ColumnRole::kSecret) continue;
      if (meeting.my_opinion[i] != meeting.their_opinion[i]) return false;
      if (!has_secret(meeting.my_opinion[i])) continue;
      const auto mine = TRY(session_.access().unseal(meeting.layout.spec, meeting.mine.row, i));
      const auto theirs = TRY(open(meeting.layout, meeting.theirs, i));
      if (!(mine == theirs)) return false;
    }
    return true;
  }

  // `mine_stands`: the row here is the one whose word goes where both cannot be kept.
  static Outcome outcome_of(const Meeting& meeting, bool mine_stands) {
    Outcome out;
    if (meeting.erased() || meeting.layout.spec.merge == nullptr) {
      out.row = mine_stands ? meeting.my_opinion : meeting.their_opinion;
      out.erased = mine_stands ? meeting.mine.head.erased : meeting.theirs.erased;
      out.secrets_from_me = mine_stands || meeting.same_secrets;
      out.secrets_from_them = !mine_stands || meeting.same_secrets;
      out.conflict = meeting.concurrent;
      return out;
    }
    const RowOpinion mine{meeting.my_opinion, meeting.mine.head.origin};
    const RowOpinion theirs{meeting.their_opinion, meeting.theirs.origin};
    MergedRow merged = meeting.layout.spec.merge(meeting.layout.spec, mine_stands ? mine : theirs,
                                                 mine_stands ? theirs : mine, meeting.concurrent);
    out.row = std::move(merged.row);
    out.no_secrets = merged.secrets == Side::kNone;
    const bool high = merged.secrets == Side::kHigh;
    out.secrets_from_me = !out.no_secrets && (meeting.same_secrets || high == mine_stands);
    out.secrets_from_them = !out.no_secrets && (meeting.same_secrets || high != mine_stands);
    out.conflict = merged.conflict && meeting.concurrent;
    return out;
  }

  // Key and plain columns.
  static bool same_plain(const Layout& layout, const Row& a, const Row& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const ColumnRole role = layout.spec.columns[i].role;
      if (role != ColumnRole::kLocal && role != ColumnRole::kSecret && a[i] != b[i]) return false;
    }
    return true;
  }

  static bool lacks_secrets(const Layout& layout, const Row& opinion) {
    for (std::size_t i = 0; i < opinion.size(); ++i) {
      if (layout.spec.columns[i].role == ColumnRole::kSecret && has_secret(opinion[i])) return false;
    }
    return true;
  }

  static bool is_mine(const Meeting& meeting, const Outcome& out) {
    if (out.erased != meeting.mine.head.erased || !same_plain(meeting.layout, out.row, meeting.my_opinion)) {
      return false;
    }
    return out.secrets_from_me || (out.no_secrets && lacks_secrets(meeting.layout, meeting.my_opinion));
  }
  static bool is_theirs(const Meeting& meeting, const Outcome& out) {
    if (out.erased != meeting.theirs.erased || !same_plain(meeting.layout, out.row, meeting.their_opinion)) {
      return false;
    }
    return out.secrets_from_them || (out.no_secrets && lacks_secrets(meeting.layout, meeting.their_opinion));
  }

  Result<bool> meet(const Meeting& meeting, const std::optional<StoredRow>& before) {
    const RowHead& mine = meeting.mine.head;
    const RowChange& theirs = meeting.theirs;
    const bool equal_heads = mine.version == theirs.version && mine.origin == theirs.origin;
    if (meeting.same()) {  // only the head may differ: both take the higher one
      if (equal_heads || meeting.mine_is_high) return true;
      return store(meeting.layout, before, theirs.version, theirs.origin,
                   TRY(row_of(meeting.layout, theirs)));
    }
    const Outcome out = outcome_of(meeting, meeting.mine_is_high && !theirs_stand(meeting.layout));
    bool stored = true;
    if (is_theirs(meeting, out) && !meeting.mine_is_high && !equal_heads) {
      stored = TRY(
          store(meeting.layout, before, theirs.version, theirs.origin, TRY(row_of(meeting.layout, theirs))));
    } else if (!is_mine(meeting, out) || !meeting.mine_is_high || equal_heads) {
      stored = TRY(store(meeting.layout, before, std::max(mine.version, theirs.version) + 1,
                         session_.server(), TRY(row_of(meeting, out))));
    }
    if (stored && out.conflict) note(meeting, out);
    return stored;
  }

  void note(const Meeting& meeting, const Outcome& out) {
    RowConflict::Version mine{meeting.mine.head.version, meeting.mine.head.origin,
                              content_text(meeting.layout, meeting.my_opinion, meeting.mine.head.erased)};
    RowConflict::Version theirs{meeting.theirs.version, meeting.theirs.origin,
                                content_text(meeting.layout, meeting.their_opinion, meeting.theirs.erased)};
    RowConflict conflict;
    conflict.table = meeting.layout.name;
    conflict.key = printable_key(key_of(meeting.layout.spec, meeting.theirs.row));
    conflict.kept_high = meeting.mine_is_high ? is_mine(meeting, out) : is_theirs(meeting, out);
    conflict.high = meeting.mine_is_high ? mine : theirs;
    conflict.low = meeting.mine_is_high ? std::move(theirs) : std::move(mine);
    report.conflicts.push_back(std::move(conflict));
  }

  Result<crypto::SecretBytes> open(const Layout& layout, const RowChange& change, std::size_t column) {
    const Bytes place =
        secret_place(layout.spec, key_of(layout.spec, change.row), layout.spec.columns[column].name);
    return sealer_.open(place, std::get<Bytes>(change.row[column]));
  }

  // Their secret, sealed for this keystore.
  Result<Value> resealed(const Layout& layout, const RowChange& change, std::size_t column) {
    if (!has_secret(change.row[column])) return change.row[column];
    const auto secret = TRY(open(layout, change, column));
    return Value(session_.seal(layout.spec, key_of(layout.spec, change.row), layout.spec.columns[column].name,
                               secret));
  }

  // Their row, secrets sealed for this keystore.
  Result<NewRow> row_of(const Layout& layout, const RowChange& change) {
    NewRow out{change.row, change.erased};
    for (std::size_t i = 0; i < out.row.size(); ++i) {
      const ColumnRole role = layout.spec.columns[i].role;
      if (role == ColumnRole::kKey) continue;
      if (change.erased) {
        out.row[i] = Value();
      } else if (role == ColumnRole::kSecret) {
        out.row[i] = TRY(resealed(layout, change, i));
      }
    }
    return out;
  }

  Result<NewRow> row_of(const Meeting& meeting, const Outcome& outcome) {
    NewRow out{outcome.row, outcome.erased};
    for (std::size_t i = 0; i < out.row.size(); ++i) {
      const ColumnRole role = meeting.layout.spec.columns[i].role;
      if (role == ColumnRole::kKey) continue;
      if (outcome.erased) {
        out.row[i] = Value();
      } else if (role == ColumnRole::kSecret && outcome.no_secrets) {
        out.row[i] = Bytes();
      } else if (role == ColumnRole::kSecret && outcome.secrets_from_me) {
        out.row[i] = meeting.mine.row[i];
      } else if (role == ColumnRole::kSecret) {
        out.row[i] = TRY(resealed(meeting.layout, meeting.theirs, i));
      }
    }
    return out;
  }

  Result<bool> store(const Layout& layout, const std::optional<StoredRow>& before, std::int64_t version,
                     const Uuid& origin, NewRow made) {
    const bool lived = before && !before->head.erased;
    for (std::size_t i = 0; i < made.row.size() && !made.erased; ++i) {
      const Column& column = layout.spec.columns[i];
      if (column.role != ColumnRole::kLocal) continue;
      made.row[i] = lived ? before->row[i] : default_value(column.type);
    }
    const RowHead head{version, origin, 0, made.erased, 0, {}};
    Row key = key_of(layout.spec, made.row);
    std::optional<Row> after;
    if (!made.erased) after = made.row;
    const Status stored = session_.store(layout, before, head, std::move(made.row));
    if (!stored && stored.error().code == ErrorCode::kAlreadyExists) return false;
    TRY(Status(stored));
    report.changed.push_back(
        {layout.name, std::move(key), lived ? std::optional(before->row) : std::nullopt, std::move(after)});
    return true;
  }

  WriteSession& session_;
  const ChangeSource& source_;
  ChangeSealer& sealer_;
};

}  // namespace

Result<ApplyReport> apply_rows(WriteSession& session, std::span<const RowChange> changes,
                               const ChangeSource& source, ChangeSealer& sealer) {
  Applier applier(session, source, sealer);
  // Within a commit rows come in no order: what stands in a row's way may be gone after the others.
  struct Waiting {
    std::size_t place;
    Applier::Obstacle obstacle;
  };
  std::vector<Waiting> waiting;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (auto obstacle = TRY(applier.apply(changes[i]))) waiting.push_back({i, *std::move(obstacle)});
  }
  for (int round = 0; round < kRounds && !waiting.empty(); ++round) {
    std::vector<Waiting> still;
    for (const Waiting& one : waiting) {
      if (auto obstacle = TRY(applier.apply(changes[one.place]))) {
        still.push_back({one.place, *std::move(obstacle)});
      }
    }
    if (still.size() == waiting.size()) round = kRounds;
    waiting = std::move(still);
  }
  for (Waiting& one : waiting) applier.leave_out(changes[one.place], one.place, std::move(one.obstacle));
  return std::move(applier.report);
}

}  // namespace tapewarden::store
