// The messages between the two key servers of a site (docs/formats/replication.md). Pure: bytes in, bytes
// out. Every message travels over HTTPS with client certificates; secrets inside are sealed besides, to the
// peer's exchange key.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "keymgr/epoch.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

inline constexpr std::uint16_t kReplicationVersion = 4;
inline constexpr std::size_t kReplicationMessageLimit = 16U << 20;  // bytes
inline constexpr std::size_t kRowsInOneMessage = 1000;
// A commit of more rows goes in several messages, each of at most so much; the last one moves `through`.
inline constexpr std::size_t kRowsOfALargeCommit = 20'000;
inline constexpr std::size_t kRowBytesInOneMessage = 8U << 20;

// Opens a session: the sender draws a session key, wraps it to the receiver's exchange key and signs the
// whole.
struct ReplicationHello {
  Uuid sender;
  Uuid receiver;
  Uuid session;
  Bytes wrapped_key;  // RSA-OAEP, label = "tapewarden replication" || session
  // The receiver remembers both: a sender that comes back behind them was rolled back.
  store::CommitMark sender_head;
  Incarnation sender_incarnation;
  Bytes signature;  // P-256, by the sender's signing key, over everything before it

  Bytes signed_part() const;
  Bytes encode() const;
  static Result<ReplicationHello> decode(ByteView bytes);
};

// A row of a message that the receiver does not take.
struct RefusedPlace {
  std::uint32_t row = 0;  // its place in the message
  std::string why;
};
inline constexpr std::size_t kRefusalTextLimit = 256;  // bytes

struct ReplicationWelcome {
  Uuid receiver;
  std::uint64_t applied = 0;  // the sender goes on after this commit of its own
  // Commits of the sender up to here are durable at the receiver, also while an operator wants everything
  // once more; 0 until the first copy is complete.
  std::uint64_t held = 0;
  store::CommitMark last_seen_head;  // of the sender, as the receiver remembers it
  // The receiver has not had everything yet: rows of every origin, from the commit after `applied` on.
  bool wants_everything = false;
  store::CommitMark receiver_head;
  Incarnation receiver_incarnation;
  // In the answer to changes. Unless the message said `noted`, `applied` does not move on then.
  std::vector<RefusedPlace> refused;

  Bytes encode() const;
  static Result<ReplicationWelcome> decode(ByteView bytes);
};

// All changes of the sender's commits (after, through], as one unit.
struct ReplicationChanges {
  Uuid sender;
  Uuid session;
  std::uint64_t after = 0;
  std::uint64_t through = 0;
  store::CommitMark sender_head;
  Incarnation sender_incarnation;
  std::uint64_t sender_knows = 0;  // the receiver's commits that the sender had applied
  bool every_origin = false;
  bool complete = false;  // with this message the receiver has had everything
  bool noted = false;     // the sender has durably noted which of these rows are refused
  std::vector<store::RowChange> rows;

  // `mac` is the session's MAC key; the last 32 bytes of a message are its MAC.
  Bytes encode(const crypto::MacKey& mac) const;
  static Result<ReplicationChanges> decode(ByteView bytes, const crypto::MacKey& mac);
};

// The secrets of one session: a MAC key for messages and an AEAD key for secret columns, both derived from
// the wrapped session key. seal() may be called from one thread at a time, as may open().
class ReplicationSession final : public store::ChangeSealer {
 public:
  ReplicationSession(Uuid id, const crypto::SecretBytes& key);

  const Uuid& id() const { return id_; }
  const crypto::MacKey& mac_key() const { return mac_; }
  Bytes seal(ByteView associated, const crypto::SecretBytes& secret) override;
  Result<crypto::SecretBytes> open(ByteView associated, ByteView box) override;

 private:
  Uuid id_;
  crypto::MacKey mac_;
  crypto::AesGcm aead_;
  std::uint64_t counter_ = 0;  // the IV; the session key is fresh, so no IV meets a key twice
};

Bytes replication_oaep_label(const Uuid& session);

// Parts of messages, those of a comparison too.
void put_mark(ByteWriter& out, const store::CommitMark& mark);
Result<store::CommitMark> take_mark(ByteReader& in);
void put_incarnation(ByteWriter& out, const Incarnation& incarnation);
// kCorrupt for an epoch beyond what is possible.
Result<Incarnation> take_incarnation(ByteReader& in);

}  // namespace tapewarden::keymgr
