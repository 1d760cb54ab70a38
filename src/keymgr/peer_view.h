// What this server knows of its peer, as the choice of a key for writing needs it (K19): a key is given out
// for writing only when losing this machine would not lose the key. Replication implements it; a server
// without a peer uses NoPeer. Implementations must be thread-safe and quick: called within transactions.
#pragma once

#include <cstdint>
#include <limits>

namespace tapewarden::keymgr {

class PeerView {
 public:
  virtual ~PeerView() = default;
  // A peer is set up, reachable or not.
  virtual bool configured() const = 0;
  virtual bool connected() const = 0;
  // Every commit of this server up to here is durable on the peer; 0 while it has not had everything yet,
  // rows of other servers included.
  virtual std::uint64_t acknowledged_commit() const = 0;
  // This keystore is an old copy of itself that was put back: nothing may be given out for writing.
  virtual bool rolled_back() const { return false; }
};

class NoPeer final : public PeerView {
 public:
  bool configured() const override { return false; }
  bool connected() const override { return false; }
  std::uint64_t acknowledged_commit() const override { return 0; }
};

// The largest created_commit that may be given out for writing now. `serve_without_peer` is the operator's
// setting peer.exhausted = serve.
inline std::int64_t writable_commit(const PeerView& peer, bool serve_without_peer) {
  constexpr std::int64_t kNone = -1;  // not even what came from another server
  if (peer.rolled_back()) return kNone;
  if (!peer.configured() || serve_without_peer) return std::numeric_limits<std::int64_t>::max();
  const auto acknowledged = static_cast<std::int64_t>(peer.acknowledged_commit());
  return acknowledged > 0 ? acknowledged : kNone;
}

}  // namespace tapewarden::keymgr
