// The drive key exchange from the drive's signature to the opened data key, with a durable ledger and audit
// row for each, against the same cryptography in a bare loop and against commits of their own.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/key_check.h"
#include "dkx/signing.h"
#include "dkx_site.h"
#include "flight.h"
#include "harness.h"
#include "keymgr/data_keys.h"
#include "lone_commits.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kExchanges = 8000;
constexpr unsigned kRounds = 3;
constexpr unsigned kInFlight = 64;
constexpr unsigned kCartridges = 64;
constexpr unsigned kRoundTrips = 600;
constexpr double kReadGoal = 0.85;  // of the bare cryptography
constexpr double kWriteGoal = 2;    // of one SQLite commit each
constexpr double kLatencyGoal = 5;  // milliseconds

using MakeRequest = std::function<dkx::KeyRequest(unsigned)>;

double exchanges_a_second(DkxSite& site, const MakeRequest& make) {
  Flight flight(kInFlight);
  return kExchanges / seconds_of([&] {
           for (unsigned i = 0; i < kExchanges; ++i) {
             flight.start();
             site.ask(make(i), [&flight](const Result<dkx::KeyAnswer>& answer) {
               flight.done(answer ? Status() : std::unexpected(answer.error()));
             });
           }
           flight.land();
         });
}

// What an exchange makes and checks in the keystore and the audit, by size.
constexpr std::size_t kLedgerRowBytes = 400;  // a new row; the older row of the tape is longer
constexpr std::size_t kKeyRowBytes = 300;
constexpr std::size_t kAuditRecordBytes = 700;

// Exactly the cryptography that one exchange cannot do without, both ends, on bodies of the same sizes: no
// socket, no parsing, no disk. The request's id and the server's next nonce, from the same generator, which
// makes neither without fresh bytes of the system; signatures and wrapping; the request's hash that the
// answer is bound to, at both ends; the TLS records of request and answer, sealed and opened; the MACs of the
// rows that belong to this tape alone; and the audit record's link in its chain. The drive is enrolled, so it
// sends no signature of its wrapping key; the tape is in the ledger, so its seal is not verified.
class BareExchange {
 public:
  BareExchange(const DkxSite& site, const dkx::KeyRequest& request, const dkx::KeyAnswer& answer)
      : drive_(site.drive()),
        drive_wrapping_(site.wrapping_key()),
        volume_(request.volume),
        request_id_(request.request_id),
        body_(dkx::encode(request)),
        request_(dkx::request_message(body_)),
        answer_(dkx::answer_message(body_, dkx::encode(answer))),
        request_record_(record_of(request)),
        answer_record_(
            dkx::encode(dkx::sign_answer(envelope_of(request), dkx::encode(answer), server_, {}))) {
    const auto key = crypto::random_secret(random_, 32);
    eedk_ = must(eedk::wrap_eedk(key, kek_.public_key(), eedk::ClearLabel{"BENCH KEK"}, volume_));
    box_ = crypto::seal_box(seal_key_, volume_.view(), key.reveal(), random_);
  }

  void read() const {
    const auto data_key = opened_request([&] {
      mac(eedk::encode(eedk_).size() + kLedgerRowBytes);  // the tape's row in the ledger
      return must(eedk::open_eedk(eedk_, kek_, volume_));
    });
    check(data_key);
  }
  void write() const {
    const auto data_key = opened_request([&] {
      mac(kKeyRowBytes);  // the stored key's row,
      mac(kKeyRowBytes);  // and with its use noted
      mac(kKeyRowBytes);  // the key that the box is sealed with, for this row alone
      auto key = must(crypto::open_box(seal_key_, volume_.view(), box_));
      static_cast<void>(keymgr::fingerprint_of(key));
      return key;
    });
    check(data_key);
  }

 private:
  template <typename Find>
  crypto::SecretBytes opened_request(const Find& find) const {
    draw(Uuid().bytes.size());
    carry(request_record_);
    if (!drive_identity_.verify(request_, drive_.key.sign(request_)))
      throw std::runtime_error("the request's signature does not fit");
    const auto data_key = find();
    check(data_key);       // the server's own
    mac(kLedgerRowBytes);  // the new row
    static_cast<void>(crypto::sha256(Bytes(kAuditRecordBytes)));
    const auto sedk = must(eedk::wrap_sedk(data_key, wrapping_public_, volume_, request_id_));
    draw(dkx::Nonce().size());
    for ([[maybe_unused]] const auto& end : {"server", "drive"}) static_cast<void>(crypto::sha256(body_));
    if (!server_identity_.verify(answer_, server_.sign(answer_)))
      throw std::runtime_error("the answer's signature does not fit");
    carry(answer_record_);
    return must(eedk::open_sedk(sedk, drive_wrapping_, volume_, request_id_));
  }
  void check(const crypto::SecretBytes& data_key) const {
    if (crypto::key_check_value(data_key, volume_) == crypto::KeyCheckValue{})
      throw std::runtime_error("a key check value of nothing");
  }

  static void draw(std::size_t size) {
    crypto::SystemRandom random;
    Bytes fresh(size);
    random.fill(fresh);
  }
  void mac(std::size_t size) const { static_cast<void>(row_key_.mac(Bytes(size))); }
  // One TLS record, sealed at one end and opened at the other.
  static void carry(const Bytes& message) {
    struct Ends {
      crypto::AesGcm sender{crypto::SecretBytes::zeros(crypto::kAesKeyBytes)};
      crypto::AesGcm receiver{crypto::SecretBytes::zeros(crypto::kAesKeyBytes)};
      std::uint64_t sent = 0;
    };
    thread_local Ends ends;
    const auto iv = crypto::counter_iv(ends.sent++);
    Bytes record = message;
    const auto tag = ends.sender.seal(iv, {}, record, record);
    must(ends.receiver.open(iv, {}, record, tag, record));
  }
  dkx::RequestEnvelope envelope_of(const dkx::KeyRequest& request) const {
    return dkx::sign_request(0, dkx::encode(request), dkx::SignerKind::kDrive, drive_.key,
                             &drive_.certificate);
  }
  Bytes record_of(const dkx::KeyRequest& request) const { return dkx::encode(envelope_of(request)); }

  crypto::SystemRandom random_;
  const net::testing::TestSite::Leaf& drive_;
  const crypto::PrivateKey& drive_wrapping_;
  const crypto::PrivateKey server_ = crypto::PrivateKey::generate_p256();
  const crypto::PrivateKey kek_ = crypto::PrivateKey::generate_rsa(2048);
  const crypto::PublicKey drive_identity_ = drive_.key.public_key();
  const crypto::PublicKey server_identity_ = server_.public_key();
  const crypto::PublicKey wrapping_public_ = drive_wrapping_.public_key();
  const Uuid volume_;
  const Uuid request_id_;
  const Bytes body_;
  const Bytes request_;
  const Bytes answer_;
  const Bytes request_record_;
  const Bytes answer_record_;
  const crypto::MacKey row_key_{crypto::random_secret(random_, 32)};
  const crypto::SecretBytes seal_key_ = crypto::random_secret(random_, 32);
  eedk::Eedk eedk_;
  Bytes box_;
};

// On as many threads as the server has workers.
double loops_a_second(const std::function<void()>& work) {
  std::atomic<unsigned> left{kExchanges};
  return kExchanges / seconds_of([&] {
           std::vector<std::jthread> threads;
           for (unsigned i = 0; i < workers(); ++i)
             threads.emplace_back([&] {
               for (unsigned before = left.load(); before > 0;)
                 if (left.compare_exchange_weak(before, before - 1)) {
                   work();
                   before = left.load();
                 }
             });
         });
}

std::vector<eedk::EedkSet> write_cartridges(DkxSite& site, unsigned count) {
  std::vector<eedk::EedkSet> out;
  for (unsigned i = 0; i < count; ++i) {
    const auto answer = site.ask(site.write_by_label());
    out.push_back(std::get<eedk::EedkSet>(answer.to_hold));
  }
  return out;
}

Figures read_eedk() {
  DkxSite site(dkx::DriveKind::k3592);
  const auto cartridges = write_cartridges(site, kCartridges);
  const auto sample = site.read(cartridges.front());
  const BareExchange bare(site, sample, site.ask(sample));
  return compare_rates(
      "dkx-read-eedk", "exchanges/s", kReadGoal, kRounds, kExchanges,
      [&] {
        return exchanges_a_second(site, [&](unsigned i) { return site.read(cartridges[i % kCartridges]); });
      },
      [&] { return loops_a_second([&] { bare.read(); }); });
}

// A write makes a key's use durable, so its goal is about that; how far it is from the bare cryptography is
// shown beside it.
Figures write_key() {
  DkxSite site(dkx::DriveKind::kLto);
  site.make_keys(2 * (kRounds + 1) * kExchanges + 1);
  const auto sample = site.write_by_group();
  const BareExchange bare(site, sample, site.ask(sample));
  const auto write = [&] {
    return exchanges_a_second(site, [&](unsigned) { return site.write_by_group(); });
  };
  LoneCommits lone;
  const auto durable = measure_in_turn(kRounds, write, [&] { return lone.a_second(); });
  Figures figures{{"dkx-write", durable.value, "exchanges/s", durable.yardstick, kWriteGoal}};
  for (auto& figure : compare_rates("dkx-write-bare", "exchanges/s", {}, kRounds, kExchanges, write,
                                    [&] { return loops_a_second([&] { bare.write(); }); }))
    figures.push_back(std::move(figure));
  return figures;
}

// One mount at a time on a server that has nothing else to do. The bare loop in between shows what the
// machine itself adds while other programs run.
Figures latency() {
  DkxSite site(dkx::DriveKind::k3592);
  const auto cartridges = write_cartridges(site, kCartridges);
  const auto sample = site.read(cartridges.front());
  const BareExchange bare(site, sample, site.ask(sample));
  const auto milliseconds = [](const std::function<void()>& work) { return 1e3 * seconds_of(work); };
  std::vector<double> trips, bare_loops;
  for (unsigned i = 0; i < kRoundTrips; ++i) {
    const auto request = site.read(cartridges[i % kCartridges]);
    trips.push_back(milliseconds([&] { static_cast<void>(site.ask(request)); }));
    bare_loops.push_back(milliseconds([&] { bare.read(); }));
  }
  return {{"dkx-latency-idle-p50", percentile(trips, 50), "ms", {}, {}, Better::kLower},
          {"dkx-latency-idle-p99", percentile(trips, 99), "ms", {}, kLatencyGoal, Better::kLower},
          {"dkx-latency-bare-p50", percentile(bare_loops, 50), "ms", {}, {}, Better::kLower},
          {"dkx-latency-bare-p99", percentile(bare_loops, 99), "ms", {}, {}, Better::kLower}};
}

const Registrar kRead("dkx-read-eedk", "keys for reading by EEDK over mutual TLS, 64 in flight", read_eedk);
const Registrar kWrite("dkx-write", "stored keys for writing over mutual TLS, 64 in flight", write_key);
const Registrar kLatency("dkx-latency-idle",
                         "one read exchange at a time, drive to opened key; the bare loop beside it",
                         latency);

}  // namespace
}  // namespace tapewarden::bench
