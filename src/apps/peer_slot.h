// A PeerView whose peer is set later: the key manager is made before the replicator, which needs the key
// manager's keys. Until then there is a peer that holds nothing. Thread-safe.
#pragma once

#include <atomic>

#include "keymgr/peer_view.h"

namespace tapewarden::apps {

class PeerSlot final : public keymgr::PeerView {
 public:
  void set(const keymgr::PeerView* peer) { peer_ = peer; }

  bool configured() const override { return true; }
  bool connected() const override {
    const auto* peer = peer_.load();
    return peer != nullptr && peer->connected();
  }
  std::uint64_t acknowledged_commit() const override {
    const auto* peer = peer_.load();
    return peer == nullptr ? 0 : peer->acknowledged_commit();
  }

 private:
  std::atomic<const keymgr::PeerView*> peer_ = nullptr;
};

}  // namespace tapewarden::apps
