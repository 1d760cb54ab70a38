// Hosts: mounts, writes, reads.
#include <algorithm>
#include <gtest/gtest.h>

#include "engine_model.h"

namespace tapewarden::engine::test {

std::optional<unsigned> EngineModel::volume_in(std::size_t drive) {
  for (unsigned i = 0; i < ModelWorld::kVolumes; ++i)
    if (volumes_[i].drive == drive) return i;
  return std::nullopt;
}

void EngineModel::mount_or_unmount() {
  const auto drive = below(ModelWorld::kHostDrives);
  if (const auto inside = volume_in(drive)) return unmount(*inside);
  const auto index = any_volume();
  if (!volumes_[index].drive && (!volumes_[index].lost || volumes_[index].scratch)) mount(index, drive);
}

void EngineModel::mount(unsigned index, std::size_t drive) {
  count("mount");
  auto& volume = volumes_[index];
  ASSERT_TRUE(world_.to_drive(index, drive)) << ModelWorld::volser(index) << " " << notes();
  volume.drive = drive;
  look(index);
}

void EngineModel::unmount(unsigned index) {
  count("unmount");
  auto& volume = volumes_[index];
  look(index);
  const bool was_in_use = volume.in_use;
  ASSERT_TRUE(world_.from_drive(*volume.drive)) << ModelWorld::volser(index) << " " << notes();
  ASSERT_TRUE(world_.notes.empty()) << notes();
  volume.drive.reset();
  volume.in_use = false;
  if (was_in_use && !volume.content.empty()) volume.scratch = false;
  const auto row = row_of(index);
  if (std::exchange(volume.unsure, false)) {
    volume.scratch = row.category == Category::kScratch;
    volume.gone = !row.has_content();
  }
  if (row.has_content()) volume.contents[row.generation] = volume.content;
}

void EngineModel::look(unsigned index) {
  auto& volume = volumes_[index];
  const auto state = world_.host_drives[*volume.drive]->state();
  ASSERT_TRUE(state) << ModelWorld::volser(index) << ": " << state.error().text();
  ASSERT_NE(*state, HostDrive::State::kEmpty) << ModelWorld::volser(index) << notes();
  if (*state != HostDrive::State::kReady || volume.in_use) return;
  volume.in_use = true;
  if (!volume.scratch) return;
  volume.content.clear();
  volume.gone = true;
  volume.lost = false;
  volume.expires.reset();
}

std::optional<unsigned> EngineModel::ready_volume() {
  const auto drive = below(ModelWorld::kHostDrives);
  const auto index = volume_in(drive);
  if (!index) return std::nullopt;
  look(*index);
  return volumes_[*index].in_use ? index : std::nullopt;
}

HostTape EngineModel::new_objects() {
  HostTape objects;
  const auto blocks = 1 + below(4);
  for (std::uint64_t i = 0; i < blocks; ++i) objects.push_back({++last_seed_, 16 + below(96U << 10)});
  objects.push_back({});
  return objects;
}

void EngineModel::write() {
  const auto index = ready_volume();
  if (!index) return;
  count("write");
  auto& volume = volumes_[*index];
  const bool append = !volume.content.empty() && volume.content.size() < 12 && chance(50);
  const auto objects = new_objects();
  const bool cut = chance(4);
  if (cut) world_.back.sim.disk.fail_after(below(40));
  std::size_t written = 0;
  const auto outcome = world_.host_drives[*volume.drive]->write(objects, append, written);
  HostTape base = append ? volume.content : HostTape();
  if (outcome) {
    volume.content = base;
    volume.content.insert(volume.content.end(), objects.begin(), objects.end());
    volume.gone = false;
  } else {
    ASSERT_TRUE(cut) << ModelWorld::volser(*index) << ": " << outcome.error().text();
  }
  if (!cut) return;
  count("power-loss-in-write");
  crash();
  if (!failed() && !outcome) cut_off_write(*index, std::move(base), objects);
}

// What is there now is what was, or a beginning of what was being written.
void EngineModel::cut_off_write(unsigned index, HostTape base, const HostTape& objects) {
  auto& volume = volumes_[index];
  std::vector<HostTape> possible{volume.content};
  for (std::size_t i = 0; i <= objects.size(); ++i) {
    possible.push_back(base);
    if (i < objects.size()) base.push_back(objects[i]);
  }
  wait_for(index);
  if (failed()) return;
  const auto found = read_of(index);
  if (!found) return;
  EXPECT_TRUE(std::ranges::find(possible, *found) != possible.end())
      << ModelWorld::volser(index) << " has " << text_of(*found) << "instead of " << text_of(possible.front())
      << "or a beginning of " << text_of(possible.back());
  volume.content = *found;
  volume.gone = volume.gone && found->empty();
  volume.unsure = volume.scratch && found->empty();
}

// Of a volume in a drive, when it is ready.
std::optional<HostTape> EngineModel::read_of(unsigned index) {
  look(index);
  auto& volume = volumes_[index];
  if (!volume.in_use) {
    ADD_FAILURE() << ModelWorld::volser(index) << " was in the cache and in a drive before the power loss";
    return std::nullopt;
  }
  auto found = world_.host_drives[*volume.drive]->read();
  if (!found) {
    ADD_FAILURE() << ModelWorld::volser(index) << ": " << found.error().text();
    return std::nullopt;
  }
  return *std::move(found);
}

void EngineModel::read() {
  const auto index = ready_volume();
  if (!index) return;
  count("read");
  compare(*index);
}

void EngineModel::compare(unsigned index) {
  const auto found = read_of(index);
  if (!found) return;
  EXPECT_EQ(text_of(*found), text_of(volumes_[index].content)) << ModelWorld::volser(index);  // M1
}

}  // namespace tapewarden::engine::test
