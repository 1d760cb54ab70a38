// Whole KMIP messages at a live engine: its keystore, its transactions, its audit. The first byte says who
// asks: a registered client, or (even) a stranger. Whatever came before and whatever the message is, there is
// one answer, a KMIP message again; a stranger is given no key.
#include <condition_variable>
#include <mutex>
#include <optional>

#include "fuzz.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/tables.h"
#include "keymgr/testing/test_server.h"
#include "kmip/server/engine.h"
#include "kmip/tags.h"
#include "secure_heap_roots.h"
#include "ttlv/item.h"

namespace {

using namespace tapewarden;
namespace tag = kmip::tag;

constexpr unsigned kMessagesOfOneServer = 2000;  // then it begins anew, so that a finding can be repeated
constexpr std::size_t kKeys = 500;
constexpr std::chrono::seconds kPatience{60};

// What one message may cost is bounded, but with a client in mind that waits for a key of 8192 bits, or for a
// million rounds of PBKDF2: a few seconds each. Here the same limits stand lower, so that time is spent on
// messages, not on numbers.
kmip::ServerSettings cheap() {
  kmip::ServerSettings settings;
  settings.most_rsa_bits = 1024;
  settings.most_iterations = 1000;
  return settings;
}

class LiveServer {
 public:
  LiveServer() {
    TW_ASSERT(server_.manager().create_group(keymgr::testing::officer(), "KMIP", {}));
    TW_ASSERT(server_.manager().generate_keys(keymgr::testing::officer(), kKeys, "KMI", "KMIP"));
    keymgr::KmipClient client;
    client.name = "library";
    client.fingerprint = registered_.fingerprint = Hash256{7};
    TW_ASSERT(server_.write([&](store::Transaction& transaction) -> Status {
      TRY(keymgr::KmipClients(server_.manager().context())
              .add(transaction, keymgr::testing::officer(), client));
      return {};
    }));
  }

  Bytes ask(ByteView message, bool registered) {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Bytes> answer;
    unsigned answers = 0;
    engine_.handle(to_bytes(message), registered ? registered_ : kmip::Peer{}, [&](Bytes bytes) {
      const std::lock_guard lock(mutex);
      answer = std::move(bytes);
      ++answers;
      came.notify_one();
    });
    std::unique_lock lock(mutex);
    TW_ASSERT(came.wait_for(lock, kPatience, [&] { return answer.has_value(); }));
    TW_ASSERT(answers == 1);
    return *std::move(answer);
  }

 private:
  keymgr::testing::TestServer server_{1, keymgr::object_tables()};
  kmip::Peer registered_;
  kmip::Engine engine_{server_.manager(), nullptr, cheap()};
};

bool holds_a_key(const ttlv::Item& item) {
  if (item.tag() == tag::kKeyMaterial) return true;
  for (const ttlv::Item child : item.children()) {
    if (holds_a_key(child)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool looked = [] {
    fuzz::look_for_pointers_in_secure_heap();
    return true;
  }();
  static_cast<void>(looked);
  static std::unique_ptr<LiveServer> server;
  static unsigned messages = 0;
  if (size == 0) return 0;
  if (server == nullptr || ++messages % kMessagesOfOneServer == 0) server = std::make_unique<LiveServer>();
  const bool registered = data[0] % 2 != 0;
  const auto answer = server->ask(ByteView(data, size).subspan(1), registered);
  ttlv::Limits limits;
  limits.bytes = answer.size();
  const auto document = ttlv::decode(answer, limits);
  TW_ASSERT(document.has_value());
  TW_ASSERT(document->root().tag() == tag::kResponseMessage);
  TW_ASSERT(document->root().find(tag::kResponseHeader).has_value());
  TW_ASSERT(registered || !holds_a_key(document->root()));
  return 0;
}
