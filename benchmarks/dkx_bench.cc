// The drive key exchange from the drive's signature to the opened data key, with a durable ledger and audit
// row for each, against the same cryptography in a bare loop.
#include <atomic>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "crypto/key_check.h"
#include "dkx/signing.h"
#include "dkx_site.h"
#include "flight.h"
#include "harness.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kExchanges = 600;
constexpr unsigned kRounds = 3;
constexpr unsigned kInFlight = 16;
constexpr unsigned kCartridges = 64;
constexpr unsigned kRoundTrips = 600;
constexpr double kGoal = 0.85;
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

// Exactly the cryptography of one exchange, both ends, on bodies of the same sizes: no socket, no parsing, no
// disk. The drive is enrolled, so it sends no signature of its wrapping key; the tape is in the ledger, so
// its seal is not verified.
class BareExchange {
 public:
  BareExchange(const DkxSite& site, const dkx::KeyRequest& request, const dkx::KeyAnswer& answer)
      : drive_(site.drive()),
        drive_wrapping_(site.wrapping_key()),
        volume_(request.volume),
        request_id_(request.request_id),
        request_(dkx::request_message(dkx::encode(request))),
        answer_(dkx::answer_message(dkx::encode(request), dkx::encode(answer))) {
    const auto key = crypto::random_secret(random_, 32);
    eedk_ = must(eedk::wrap_eedk(key, kek_.public_key(), eedk::ClearLabel{"BENCH KEK"}, volume_));
    stored_ = key.clone();
  }

  void read() const {
    const auto data_key = opened_request([&] { return must(eedk::open_eedk(eedk_, kek_, volume_)); });
    check(data_key);
  }
  void write() const {
    const auto data_key = opened_request([&] { return stored_.clone(); });
    check(data_key);
  }

 private:
  template <typename Find>
  crypto::SecretBytes opened_request(const Find& find) const {
    if (!drive_identity_.verify(request_, drive_.key.sign(request_)))
      throw std::runtime_error("the request's signature does not fit");
    const auto data_key = find();
    check(data_key);  // the server's own
    const auto sedk = must(eedk::wrap_sedk(data_key, wrapping_public_, volume_, request_id_));
    if (!server_identity_.verify(answer_, server_.sign(answer_)))
      throw std::runtime_error("the answer's signature does not fit");
    return must(eedk::open_sedk(sedk, drive_wrapping_, volume_, request_id_));
  }
  void check(const crypto::SecretBytes& data_key) const {
    if (crypto::key_check_value(data_key, volume_) == crypto::KeyCheckValue{})
      throw std::runtime_error("a key check value of nothing");
  }

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
  const Bytes request_;
  const Bytes answer_;
  eedk::Eedk eedk_;
  crypto::SecretBytes stored_;
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

// Microseconds of processor time that each exchange takes, all threads together: the figure that other
// programs on the machine disturb least.
class ProcessorTime {
 public:
  double of(const std::function<double()>& work) {
    const std::clock_t before = std::clock();
    const double rate = work();
    values_.push_back(1e6 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC / kExchanges);
    return rate;
  }
  double typical() const { return median(values_); }

 private:
  std::vector<double> values_;
};

Figures against_bare(const std::string& name, const std::function<double()>& work,
                     const std::function<double()>& bare) {
  ProcessorTime of_work, of_bare;
  const auto pair =
      measure_in_turn(kRounds, [&] { return of_work.of(work); }, [&] { return of_bare.of(bare); });
  return {{name, pair.value, "exchanges/s", pair.yardstick, kGoal},
          {name + "-processor", of_work.typical(), "us", of_bare.typical(), {}, Better::kLower}};
}

Figures read_eedk() {
  DkxSite site;
  const auto cartridges = write_cartridges(site, kCartridges);
  const auto sample = site.read(cartridges.front());
  const BareExchange bare(site, sample, site.ask(sample));
  return against_bare(
      "dkx-read-eedk",
      [&] {
        return exchanges_a_second(site, [&](unsigned i) { return site.read(cartridges[i % kCartridges]); });
      },
      [&] { return loops_a_second([&] { bare.read(); }); });
}

Figures write_key() {
  DkxSite site;
  site.make_keys((kRounds + 1) * kExchanges + 1);
  const auto sample = site.write_by_group();
  const BareExchange bare(site, sample, site.ask(sample));
  return against_bare(
      "dkx-write", [&] { return exchanges_a_second(site, [&](unsigned) { return site.write_by_group(); }); },
      [&] { return loops_a_second([&] { bare.write(); }); });
}

// One mount at a time on a server that has nothing else to do. The bare loop in between shows what the
// machine itself adds while other programs run.
Figures latency() {
  DkxSite site;
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

const Registrar kRead("dkx-read-eedk", "keys for reading by EEDK over mutual TLS, 16 in flight", read_eedk);
const Registrar kWrite("dkx-write", "stored keys for writing over mutual TLS, 16 in flight", write_key);
const Registrar kLatency("dkx-latency-idle",
                         "one read exchange at a time, drive to opened key; the bare loop beside it",
                         latency);

}  // namespace
}  // namespace tapewarden::bench
