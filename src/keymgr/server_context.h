// What every part of the key server's mind knows about the server it runs in. Borrowed by all classes of this
// component; whoever makes it (KeyManager) outlives them. Immutable after start, so thread-safe.
#pragma once

#include <cstdint>

#include "base/env.h"
#include "base/uuid.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "keymgr/backup_view.h"
#include "keymgr/peer_view.h"

namespace tapewarden::keymgr {

struct ServerContext {
  Env env;
  Uuid server;
  std::uint32_t installation = 0;
  crypto::PrivateKey signing_key;  // P-256: seals EEDKs, signs answers, evidence, backups
  crypto::Certificate signing_certificate;
  crypto::PrivateKey exchange_key;  // RSA: opens what peers and partners wrap for this server
  crypto::Certificate exchange_certificate;
  const PeerView* peer = nullptr;
  BackupView* backups = nullptr;  // nullptr: this server makes no backups

  WallTime now() const { return env.clock->wall_now(); }
};

}  // namespace tapewarden::keymgr
