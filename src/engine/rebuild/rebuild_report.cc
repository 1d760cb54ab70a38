#include "engine/rebuild/rebuild_report.h"

#include "engine/rebuild/limits.h"

namespace tapewarden::engine {
namespace {

struct Words {
  std::string_view name;
  std::string_view explanation;
};
constexpr std::array<Words, kFindingKinds> kWords{{
    {"no-backup",
     "No backup of the catalogue was found: pools and constructs are those of a new engine, and all pools "
     "are "
     "held. Set pools and constructs before hosts write."},
    {"settings-since",
     "Settings are as of the backup; what was changed later is not known, nor which cartridges were closed "
     "later. Look through pools and constructs before hosts write."},
    {"lost-volume",
     "The volume's content was in the cache only. It is listed as missing; have its owner write it again."},
    {"older-content",
     "The volume's newest content was in the cache only, or is not on any cartridge that was read; what is "
     "there now is older. Tell its owner."},
    {"one-copy-less",
     "A copy that the volume's constructs want was not found. It is written when the volume is next "
     "changed."},
    {"needs-cartridge",
     "The newest content is said to lie on a cartridge that was not read. Bring it, and rebuild again."},
    {"deleted-since",
     "Deleted after the backup was made; only its number of generations is kept. Insert it again if it is "
     "wanted."},
    {"new-volume",
     "Written after the backup was made, or for the first time since: taken from the cartridge."},
    {"unread-cartridge", "Could not be read. With its key or another drive, rebuild again."},
    {"absent-cartridge", "Not in any library. Put it in and rebuild again, or leave it as ejected."},
    {"other-engine", "Written by another engine: left alone."},
    {"no-label", "Blank, or written by another program: left alone."},
    {"unknown-labels", "It is encrypted, and by which key labels or alias is not known. It can be read."},
    {"new-construct", "Named on cartridges and not in the backup: made with the pool where its volumes lie."},
    {"damaged-image", "A tape file in the middle of a cartridge cannot be read. The cartridge is closed."},
    {"torn-image", "The last tape file was not written to its end. The next image takes its place."},
    {"library", "What a library says of itself."},
    {"two-contents",
     "Two different contents bear the same generation. Of those on cartridges that were read the one that "
     "was "
     "written last is taken; ask its owner whether it is the right one. The cartridges with the other are "
     "neither written nor given back; eject and withdraw them when nobody wants it."},
    {"labels-dropped",
     "New key labels were asked for, as the backup has it; whether they still are is not known, and they are "
     "not brought. Order them again if they are wanted."},
    {"move-dropped",
     "What lies on it was to be moved to another cartridge, as the backup has it; whether it still is is not "
     "known, and it stays. Order the move again if it is wanted."},
    {"to-be-erased",
     "It was to be erased, as the backup has it, and still is as soon as nothing of now lies on it."},
    {"held-pool",
     "How the pool is to be written is not known. Nothing is written for it until a security officer sets "
     "its encryption (pool set N --encryption identified, wrapped or off)."},
    {"takes-more",
     "It was not full, and whether an operator had closed it is not known: it takes more volumes. Close it "
     "again if it is to take none."},
}};

}  // namespace

std::string_view to_string(FindingKind kind) {
  return kWords.at(static_cast<std::size_t>(kind)).name;
}

std::string_view explanation(FindingKind kind) {
  return kWords.at(static_cast<std::size_t>(kind)).explanation;
}

void RebuildReport::find(FindingKind kind, std::string subject, std::string text) {
  auto& counted = counts.at(static_cast<std::size_t>(kind));
  if (counted++ < kMaxFindings) findings.push_back({kind, std::move(subject), std::move(text)});
}

}  // namespace tapewarden::engine
