"""The scorecard: failures planted into sessions, sent through the real pipeline, and what was found of them.

`README.md` tells how a recipe is written. What plants (`model`, `stage`, `desk`, `ground`, `recorders`, `jobs`,
`modes`) imports nothing of `watchkeeper.stream_processors`, which is what is measured; a test holds it to that.
"""
