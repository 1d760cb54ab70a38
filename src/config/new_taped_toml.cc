#include "config/new_taped_toml.h"

#include <sstream>

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::config {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kRandomCharacters = 6;

std::string numbered(const std::string& stem, std::size_t number) {
  const auto digits = std::to_string(number);
  return stem + std::string(2 - digits.size(), '0') + digits;
}

// REST for operators, or how to have it.
void write_https(std::ostream& out, bool present) {
  const char* begin = present ? "" : "# ";
  out << "# The library's panel: REST over HTTPS for `tapewarden library` and `tapewarden engine`.\n"
      << begin << "[https]\n"
      << begin << "address = \"127.0.0.1\"\n"
      << begin << "port = 2443\n"
      << begin << "certificate = \"tls/server.crt\"\n"
      << begin << "key = \"tls/server.key\"\n"
      << begin << "authorities = \"tls/authorities.crt\"   # whose certificates people log in with\n"
      << begin << "data = \"data\"                          # the engine's people, and what they did\n"
      << begin << "master_key = \"master.key\"\n"
      << begin << "passphrase_file = \"master-passphrase\"\n\n";
}

// ["LTO TW9R7K0Y01", "LTO TW9R7K0Y02"]
void write_drives(std::ostream& out, const NewTapedToml& values) {
  out << "drives = [";
  for (std::size_t i = 0; i < values.drives.size(); ++i)
    out << (i == 0 ? "\"" : ", \"") << values.drives[i] << "\"";
  out << "]\n";
}

}  // namespace

NewTapedToml draw_taped_toml(Random& random, std::size_t drives, const std::string& kind) {
  TW_ASSERT(drives <= kMaxNewDrives);
  std::array<std::uint8_t, kRandomCharacters> bytes{};
  random.fill(bytes);
  std::string stem = "TW";
  for (const auto byte : bytes) stem += kAlphabet[byte % kAlphabet.size()];
  NewTapedToml values;
  values.library_serial = numbered(stem, 0);
  for (std::size_t i = 1; i <= drives; ++i) values.drives.push_back(kind + ' ' + numbered(stem, i));
  return values;
}

std::string text_of(const NewTapedToml& values) {
  std::ostringstream out;
  out << "# Tapewarden tape engine: a virtual tape library for hosts. Read at start; the program never "
         "writes "
         "it.\n"
      << "# Relative paths count from this file's folder. `tapewarden library init` makes what it names.\n\n"
      << "[iscsi]\n"
      << "# Not encrypted: beyond this machine only inside IPsec or WireGuard, and with unprotected_network "
         "= "
         "true.\n"
      << "address = \"127.0.0.1\"\n"
      << "port = 3260\n"
      << "# Put a domain of your own, reversed, in the place of internal.tapewarden.\n"
      << "target = \"iqn.2026-11.internal.tapewarden:" << to_lower(values.library_serial) << "\"\n"
      << "user = \"library\"             # CHAP: who may log in, with the secret in this file\n"
      << "secret_file = \"iscsi-secret\"\n"
      << "# target_user = \"engine\"     # CHAP in the other direction, with another secret\n"
      << "# target_secret_file = \"iscsi-target-secret\"\n"
      << "# initiators = [\"iqn.1993-08.org.debian:01:0123456789ab\"]   # only these; unless given: any\n\n"
      << "[library]\n"
      << "folder = \"library\"           # cartridges and inventory\n"
      << "identities = \"drives\"        # one folder for each drive: who it is\n"
      << "serial = \"" << values.library_serial << "\"\n"
      << "slots = " << values.slots << "\n"
      << "import_export_slots = " << values.import_export_slots << "\n"
      << "# The changer is LUN 0, the drives are LUN 1 and on, in this order.\n";
  write_drives(out, values);
  out << "# \"LTO SERIAL library\": the library brings this drive's keys. Then who gives them, and what "
         "with;\n"
      << "# cartridges of no rule are encrypted with the key server's default.\n"
      << "# key_servers = \"engine.toml\"\n"
      << "# encryption = [\"VOL000L9-VOL499L9, group ARCHIVE\", \"TMP000L9-TMP999L9, clear\"]\n"
      << "# Element addresses, where hosts want others:\n"
      << "# transport_address = 0\n# import_export_address = 10\n# drive_address = 500\n# slot_address = "
         "1000\n\n"
      << "# Who every drive says that it is, where a host expects another: INQUIRY's vendor, product, "
         "revision;\n"
      << "# and what LTO drives read and write: LTO-5 to LTO-9, unless given every LTO cartridge.\n"
      << "# [drives]\n# vendor = \"TAPEWARD\"\n# product = \"VIRTUAL LTO\"\n# revision = \"0001\"\n"
      << "# density = \"LTO-9\"\n\n"
      << "# A disk in memory, to try an initiator out with; what is written is gone at the end.\n"
      << "# [ram_disk]\n# target = \"iqn.2026-11.internal.tapewarden:ram-disk\"\n# size_mib = 64\n\n";
  write_https(out, values.https);
  out << "[log]\n"
      << "level = \"info\"         # debug, info, warning, error\n";
  return out.str();
}

std::string tape_engine_text_of(const NewTapedToml& back_end) {
  std::ostringstream out;
  out << "\n# The tape engine: cartridges of [library] are logical volumes in a cache on disk, copied to "
         "encrypted\n"
         "# cartridges of the libraries below and brought back when a host wants them. Needs [https].\n"
      << "[engine]\n"
      << "data = \"tape\"               # the catalogue of volumes and cartridges\n"
      << "cache = \"cache\"             # sealed at rest; on the fastest and largest disk there is\n"
      << "cache_limit = \"100G\"        # what its files may take; no more than its disk has\n"
      << "volume_size = 800            # MiB: 400, 800, 1000, 2000, 4000, 6000, 25000 or 65000\n"
      << "key_servers = \"engine.toml\" # who gives keys to the drives behind the engine\n"
      << "minimum_encrypting_drives = 1\n"
      << "# no_reclaim = [\"Mon-Fri 06:00-22:00\"]   # UTC: no reclaim begins then\n"
      << "# syslog = \"local\"                       # messages and interventions: local, udp://HOST, "
         "tcp://HOST\n"
      << "# webhook = \"https://ops.example/hook\"   # the same as JSON\n"
      << "# webhook_authorities = \"hook-ca.pem\"    # who may have issued its certificate\n\n"
      << "# A library behind the cache. This one is virtual, in the engine's own process.\n"
      << "[[engine.back_end]]\n"
      << "kind = \"virtual\"\n"
      << "name = \"LIB1\"\n"
      << "folder = \"back-end\"         # cartridges and inventory\n"
      << "identities = \"drives\"\n"
      << "serial = \"" << back_end.library_serial << "\"\n"
      << "slots = " << back_end.slots << "\n";
  write_drives(out, back_end);
  out << "cartridge_size = \"18T\"\n\n"
      << "# A real one over iSCSI, or by Linux' SCSI devices; behind each drive, where the library does not "
         "tell\n"
         "# it, the address of its element.\n"
      << "# [[engine.back_end]]\n# kind = \"iscsi\"              # or \"scsi\", with /dev/sg3 and so on\n"
      << "# name = \"LIB2\"\n# media = \"LTO\"               # or 3592\n"
      << "# changer = \"iscsi://robot@192.0.2.9/iqn.2026-11.example:library/0\"\n"
      << "# drives = [\"1310000001 iscsi://robot@192.0.2.9/iqn.2026-11.example:library/1 256\"]\n"
      << "# secret_file = \"robot-secret\"   # CHAP password of the user in the URLs\n";
  return out.str();
}

}  // namespace tapewarden::config
