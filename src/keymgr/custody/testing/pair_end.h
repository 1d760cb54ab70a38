// One server's end of a pair whose two servers stand in one process, for tests and benchmarks: replicator and
// comparer are the real ones, and between them lies no network. The threads are real.
#pragma once

#include <atomic>
#include <memory>

#include "keymgr/custody/comparer.h"
#include "keymgr/custody/replicator.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr::testing {

// What replication asks of the manager and has to know of the other one. REQUIRES: `self` outlives it.
PairParties parties_of(KeyManager& self, const KeyManager& other);

struct PairEnd;

// Hands calls straight to the other end.
class DirectWire final : public PeerLink {
 public:
  // kUnavailable while it is cut or leads nowhere; kNotFound for a path that no peer has.
  Result<Bytes> post(std::string_view path, ByteView body) override;
  std::atomic<PairEnd*> to = nullptr;
  std::atomic<bool> cut = false;
};

// How often the ends look: the usual, and where a test has no time for it.
struct PairPace {
  std::chrono::milliseconds keepalive = ReplicatorOptions().keepalive;
  std::chrono::milliseconds retry = ReplicatorOptions().retry;
  std::chrono::milliseconds look = ComparerOptions().look;
  std::chrono::milliseconds again = ComparerOptions().again;
};
inline constexpr PairPace kQuickPace{std::chrono::milliseconds(5), std::chrono::milliseconds(5),
                                     std::chrono::milliseconds(5), std::chrono::milliseconds(20)};

struct PairEnd {
  // New ends that know each other; neither runs. REQUIRES: all that is given outlives them.
  void meet(Env env, store::Keystore& keystore, KeyManager& self, const KeyManager& other,
            const PairPace& pace = {});
  // What they had still to write is written afterwards, and commits wait for the peer no more.
  void part(store::Keystore& keystore);
  void stop();

  DirectWire wire;
  std::unique_ptr<Replicator> replicator;
  std::unique_ptr<Comparer> comparer;
};

// Each is the other's peer; or no longer.
void connect(PairEnd& a, PairEnd& b);
void disconnect(PairEnd& a, PairEnd& b);

}  // namespace tapewarden::keymgr::testing
