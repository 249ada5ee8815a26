"""Another project's work taken into the open one.

    compare_projects(ours, theirs, progress)    -> ProjectMerge: videos, conflicts, sentences (`plan`)
    MergeProject(merge, taken, added_videos)    the edit, one entry (`edit`)

What is compared, in this order:
* `ancestor`: what both projects have in common, a state that one of them can be rewound to. Usually one is a copy of
  the other, so their histories begin alike; after an earlier merge it is what was merged then.
* `states`: a video as each side has it, and as it was in the common state.
* `objects`: which instance here is which there. With a common state instances and tracks keep their ids; what is new
  on both sides is matched by its masks, then by its track.
* `deciding`: what only one side changed is as that side has it. An instance's track and its mask are two things: a
  swap there and a brush stroke here both hold. Where both changed one thing differently, the side on which a person
  had a hand in it beats a model's; where both had, it is a conflict. So it is wherever something confirmed or locked
  here would change. Without a common state there is no telling who changed what: what a person has touched or confirmed
  on one side only is as that side has it.
* Conflicts are decided for all tracks of a frame that exchange instances together, so that whatever is chosen, no
  track has two instances, and none is lost or shown twice.
* `facts`: classes, locks, absences, what is confirmed, dismissed, rejected and noted.
"""
