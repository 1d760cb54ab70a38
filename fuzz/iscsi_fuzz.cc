// A hostile initiator. The first byte chooses: bit 0 logs in properly first, bit 1 to a discovery session,
// bit 2 asks for CHAP, bit 3 gives every request that has one the CommandSN that the target waits for, bit 4
// lets the units run after each PDU. Then follow PDUs: a header, and as much data as it says.
#include "fuzz.h"
#include "iscsi/testing/bench.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::iscsi;
using iscsi::testing::Bench;

constexpr unsigned kMaxPdus = 64;

ServerConfig config_of(std::uint8_t choice) {
  auto config = Bench::default_config();
  config.limits.max_transfer = 1U << 16;
  config.limits.session_memory = 1U << 18;
  config.limits.max_receive_segment = 1U << 14;
  if ((choice & 4U) != 0) {
    auto& authentication = config.targets.front().authentication;
    authentication.initiators.push_back(
        {"host", crypto::SecretBytes::copy_of(as_bytes("a-secret-of-length"))});
    authentication.target =
        ChapAccount{"library", crypto::SecretBytes::copy_of(as_bytes("another-secret-here"))};
  }
  return config;
}

bool has_number(const Header& header) {
  return !header.immediate() && !header.is(Opcode::kDataOut) && !header.is(Opcode::kSnack) &&
         header.opcode() <= static_cast<std::uint8_t>(Opcode::kLogoutRequest);
}

void check_output(Bench& bench) {
  for (const auto& pdu : bench.take())
    TW_ASSERT(pdu.header.opcode() >= static_cast<std::uint8_t>(Opcode::kNopIn));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  ByteReader in(ByteView(data, size).subspan(1));
  std::shared_ptr<MemoryBudget> memory;
  std::shared_ptr<iscsi::testing::ManualQueue> queue;
  {
    Bench bench(config_of(choice));
    memory = bench.memory;
    if ((choice & 1U) != 0) static_cast<void>(bench.login({}, (choice & 2U) != 0));
    for (unsigned i = 0; i < kMaxPdus && in.remaining() >= kHeaderBytes; ++i) {
      Header header(*in.bytes(kHeaderBytes, "header"));
      const auto ahs = *in.bytes(std::min(header.ahs_bytes() / 4 * 4, in.remaining() / 4 * 4), "segments");
      const auto segment = *in.bytes(std::min(header.data_bytes(), in.remaining()), "data");
      if ((choice & 8U) != 0 && has_number(header)) header.set_u32(24, bench.cmd_sn++);
      if (!bench.feed(header, segment, ahs)) break;
      if ((choice & 16U) != 0) bench.run();
      check_output(bench);
    }
    bench.run();
    check_output(bench);
  }
  TW_ASSERT(memory->used() == 0);
  return 0;
}
