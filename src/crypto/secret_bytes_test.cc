#include "crypto/secret_bytes.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

#include "base/testing/sim_env.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/keys.h"
#include "crypto/openssl_handles.h"
#include "crypto/random.h"

namespace tapewarden::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

// What the kernel says lies at an address, so that freed memory is looked at without touching it; empty when
// nothing is mapped there.
Bytes memory_at(const std::uint8_t* address, std::size_t size) {
  const int file = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  Bytes out(size);
  const auto got =
      pread(file, out.data(), size, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(address)));
  close(file);
  return got == static_cast<ssize_t>(size) ? out : Bytes();
}

TEST(SecretBytes, HoldsClonesAndCompares) {
  const auto secret = SecretBytes::copy_of(as_bytes("data key"));
  EXPECT_EQ(as_text(secret.reveal()), "data key");
  EXPECT_EQ(secret.clone(), secret);
  EXPECT_NE(secret, SecretBytes::copy_of(as_bytes("data kez")));
  EXPECT_NE(secret, SecretBytes::copy_of(as_bytes("data ke")));
  EXPECT_EQ(SecretBytes(), SecretBytes::zeros(0));
  EXPECT_TRUE(SecretBytes().empty());
  const auto zeros = SecretBytes::zeros(1000);
  EXPECT_TRUE(std::ranges::all_of(zeros.reveal(), [](auto byte) { return byte == 0; }));
}

// NOLINTBEGIN(bugprone-use-after-move): what is left behind is what this test is about.
TEST(SecretBytes, MovesLeaveNothing) {
  auto first = SecretBytes::copy_of(as_bytes("first"));
  auto second = std::move(first);
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(as_text(second.reveal()), "first");
  auto third = SecretBytes::copy_of(as_bytes("third"));
  third = std::move(second);
  EXPECT_EQ(as_text(third.reveal()), "first");
  EXPECT_TRUE(second.empty());
  auto& itself = third;
  third = std::move(itself);
  EXPECT_EQ(as_text(third.reveal()), "first");
}

// NOLINTEND(bugprone-use-after-move)

TEST(SecretBytes, WipedWhenDestroyedOrReplaced) {
  const std::string text = "a secret of some length, 40 bytes or so.";
  auto secret = SecretBytes::copy_of(as_bytes(text));
  const auto* address = secret.reveal().data();
  ASSERT_EQ(CRYPTO_secure_allocated(address), 1);
  const auto before = memory_at(address, text.size());
  if (before.empty()) GTEST_SKIP() << "this system does not let a process read /proc/self/mem";
  ASSERT_EQ(as_text(before), text) << "the look at memory must be able to find the secret";
  secret = SecretBytes();
  // The heap keeps two pointers of its free list at the beginning of a free block.
  constexpr std::size_t kLists = 2 * sizeof(void*);
  const auto after = memory_at(address, text.size());
  EXPECT_NE(as_text(after).substr(0, kLists), text.substr(0, kLists));
  EXPECT_EQ(Bytes(after.begin() + kLists, after.end()), Bytes(text.size() - kLists, 0));
}

// More than the default heap holds: what does not fit gets pages of its own, unmapped afterwards.
TEST(SecretBytes, OverflowOfTheHeapIsNeverOrdinaryMemory) {
  std::vector<SecretBytes> held;
  for (unsigned i = 0; i < 3000; ++i)
    held.push_back(SecretBytes::copy_of(Bytes(1024, static_cast<std::uint8_t>(i))));
  std::size_t outside = 0;
  for (unsigned i = 0; i < held.size(); ++i) {
    EXPECT_TRUE(std::ranges::all_of(held[i].reveal(), [i](auto byte) { return byte == (i & 0xFF); })) << i;
    if (CRYPTO_secure_allocated(held[i].reveal().data()) == 0) ++outside;
  }
  EXPECT_GT(outside, 1000U);
  const auto* address = held.back().reveal().data();
  ASSERT_EQ(CRYPTO_secure_allocated(address), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(address) % static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE)),
            0U);
  // OpenSSL's own secrets still find room in the heap.
  EXPECT_EQ(MacKey(held[1]).mac(as_bytes("x")),
            MacKey(SecretBytes::copy_of(Bytes(1024, 1))).mac(as_bytes("x")));
  EXPECT_TRUE(PrivateKey::generate_p256().fits_together());
  held.clear();
  const auto after = SecretBytes::copy_of(as_bytes("again"));
  EXPECT_EQ(CRYPTO_secure_allocated(after.reveal().data()), 1);
}

TEST(SecretBytes, WipeAndConstantTimeCompare) {
  auto buffer = to_bytes("plain");
  wipe(buffer);
  EXPECT_EQ(buffer, Bytes(5, 0));
  wipe(MutableByteView());
  std::string text = "plain";
  wipe(text);
  EXPECT_EQ(text, std::string(5, '\0'));
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_TRUE(equal_constant_time(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(equal_constant_time(as_bytes("ab"), as_bytes("ac")));
  EXPECT_FALSE(equal_constant_time(as_bytes("ab"), as_bytes("abc")));
}

TEST(SystemRandom, FillsEveryLengthAndDoesNotRepeat) {
  SystemRandom random;
  random.fill({});
  for (const std::size_t size : {1U, 32U, 100'000U}) {
    Bytes first(size), second(size);
    random.fill(first);
    random.fill(second);
    if (size >= 32) {
      EXPECT_NE(first, second);
      EXPECT_NE(Bytes(first.end() - 16, first.end()), Bytes(16, 0)) << "the end must be filled too";
    }
  }
  EXPECT_NE(random_secret(random, 32), random_secret(random, 32));
  EXPECT_TRUE(random_secret(random, 0).empty());
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

struct Region {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

// This process's readable and writable memory. A line of maps reads "begin-end rw-p …", in hex.
std::vector<Region> writable_memory() {
  std::ifstream maps("/proc/self/maps");
  std::vector<Region> regions;
  for (std::string line; std::getline(maps, line);) {
    Region region;
    const char* end = line.data() + line.size();
    const auto first = std::from_chars(line.data(), end, region.begin, 16);
    if (first.ec != std::errc() || first.ptr == end) continue;
    const auto second = std::from_chars(first.ptr + 1, end, region.end, 16);
    if (second.ec == std::errc() && std::string_view(second.ptr, end).starts_with(" rw"))
      regions.push_back(region);
  }
  return regions;
}

// How often the masked secret lies in this process's writable memory. The mask keeps the needle itself out of
// the count.
std::size_t copies_in_memory(const Bytes& masked, std::uint8_t mask) {
  std::size_t found = 0;
  for (const auto& region : writable_memory()) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(region.begin);
    for (std::uintptr_t at = 0; at + masked.size() <= region.end - region.begin; ++at) {
      std::size_t same = 0;
      while (same < masked.size() && (bytes[at + same] ^ mask) == masked[same]) ++same;
      if (same == masked.size()) ++found;
    }
  }
  return found;
}

struct Masked {
  Bytes secret;
  Bytes padded;  // the middle of the OAEP block, from which the secret can be had without any key
  std::size_t seen_alive = 0;
};

Bytes masked_with(std::uint8_t mask, ByteView bytes) {
  Bytes out;
  for (const auto byte : bytes) out.push_back(byte ^ mask);
  return out;
}

SecretBytes padded_block(const PrivateKey& key, ByteView wrapped) {
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, KeyAccess::handle(key), nullptr));
  auto block = SecretBytes::zeros(wrapped.size());
  std::size_t size = block.size();
  if (EVP_PKEY_decrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1 ||
      EVP_PKEY_decrypt(context.get(), block.reveal_mutable().data(), &size, wrapped.data(), wrapped.size()) !=
          1)
    return {};
  return block;
}

// The work that a data key goes through in the key server, with everything destroyed but the masked copies.
__attribute__((noinline)) Masked use_a_secret(std::uint8_t mask) {
  SystemRandom random;
  const auto kek = PrivateKey::generate_rsa(2048);
  const auto row_key = random_secret(random, 32);
  const auto data_key = random_secret(random, 32);

  const auto box = seal_box(row_key, as_bytes("row"), data_key.reveal(), random);
  const auto opened = open_box(row_key, as_bytes("row"), box);
  const auto wrapped = kek.public_key().wrap(data_key);
  const auto unwrapped = wrapped ? kek.unwrap(*wrapped) : Result<SecretBytes>(SecretBytes());
  const auto check_value = hkdf_sha256(data_key, {}, as_bytes("kcv"), 32);
  const auto mac = MacKey(data_key).mac(as_bytes("message"));
  AesGcm cipher(data_key);
  Bytes record(1000, 1);
  static_cast<void>(cipher.seal(counter_iv(0), {}, record, record));
  const auto padded = wrapped ? padded_block(kek, *wrapped) : SecretBytes();
  if (!opened || !unwrapped || *opened != data_key || *unwrapped != data_key || check_value.empty() ||
      mac == Hash256{} || padded.empty())
    return {};
  Masked masked;
  masked.secret = masked_with(mask, data_key.reveal());
  masked.padded = masked_with(mask, padded.reveal().subspan(100, 64));
  masked.seen_alive = copies_in_memory(masked.secret, mask);
  return masked;
}

// Freed memory is looked at on purpose.
__attribute__((noinline)) bool all_zero(const volatile std::uint8_t* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    if (bytes[i] != 0) return false;
  return true;
}

// Without its first bytes, where the allocator keeps its lists.
bool freed_buffers_are_wiped() {
  constexpr std::size_t kSize = 400, kLists = 32;
  auto* block = static_cast<std::uint8_t*>(OPENSSL_malloc(kSize));
  std::ranges::fill(std::span(block, kSize), std::uint8_t{0xEE});
  auto* grown = static_cast<std::uint8_t*>(OPENSSL_realloc(block, 20 * kSize));
  const bool kept = std::ranges::all_of(std::span(grown, kSize), [](auto byte) { return byte == 0xEE; });
  const bool old_wiped = all_zero(block + kLists, kSize - kLists);
  OPENSSL_free(grown);
  return kept && old_wiped && all_zero(grown + kLists, kSize - kLists);
}

template <typename Expect>
void expect_nothing_left(const Expect& expect) {
  expect(freed_buffers_are_wiped(), "what OpenSSL frees is not wiped");
  constexpr std::uint8_t kMask = 0x5C;
  const auto masked = use_a_secret(kMask);
  expect(masked.secret.size() == 32 && masked.padded.size() == 64, "the work failed");
  expect(masked.seen_alive >= 3, "the search cannot find what is there");
  expect(copies_in_memory(masked.secret, kMask) == 0, "a copy of the secret is left");
  expect(copies_in_memory(masked.padded, kMask) == 0, "a copy of the padded secret is left");
}

// Runs in a process of its own: what it sets holds for the whole process.
[[noreturn]] void hardened_process() {
  std::vector<std::string> faults;
  const auto expect = [&faults](bool holds, const char* what) {
    if (!holds) faults.emplace_back(what);
  };
  const auto warning = harden_process(1U << 22);
  expect(warning.empty() || warning.find("RLIMIT_MEMLOCK") != std::string::npos, warning.c_str());
  expect(prctl(PR_GET_DUMPABLE) == 0, "dumpable");
  rlimit core{1, 1};
  expect(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0, "core limit");
  expect(CRYPTO_secure_malloc_initialized() == 1, "no secure heap");
  const auto large = SecretBytes::zeros(1U << 21);
  expect(CRYPTO_secure_allocated(large.reveal().data()) == 1, "the heap has not the size asked for");

  if (!kSanitized) expect_nothing_left(expect);
  expect(!harden_process(1U << 23).empty(), "a second call cannot change the heap and must say so");
  for (const auto& fault : faults) std::fprintf(stderr, "%s\n", fault.c_str());
  _exit(faults.empty() ? 0 : 1);
}

// Runs in a process of its own: it takes the right to lock memory away.
[[noreturn]] void process_without_locked_memory() {
  static int notices = 0;
  on_secrets_not_locked([] { ++notices; });
  const auto small = SecretBytes::zeros(32);
  const rlimit none{0, 0};
  constexpr uid_t kNobody = 65534;
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(2);
  if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) _exit(2);  // root locks without a limit
  if (secrets_not_locked() != 0 || notices != 0) _exit(3);
  const auto large = SecretBytes::zeros(4U << 20);  // more than the heap holds
  const auto another = SecretBytes::zeros(4U << 20);
  _exit(secrets_not_locked() >= large.size() + another.size() && notices == 1 ? 0 : 1);
}

TEST(HardenProcessDeathTest, K16_SecretsThatCannotBeLockedInMemoryAreToldOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(process_without_locked_memory(), ::testing::ExitedWithCode(0), "");
}

// Under a sanitizer the search is left out: its shadow memory is terabytes large, and freed memory is its
// own.
TEST(HardenProcessDeathTest, K16_NothingDumpedAndNoCopyOfASecretLeftBehind) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(hardened_process(), ::testing::ExitedWithCode(0), "");
}

TEST(HardenProcessDeathTest, SizeMustBeAPowerOfTwo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(harden_process(1000)), "has_single_bit");
}

}  // namespace
}  // namespace tapewarden::crypto
