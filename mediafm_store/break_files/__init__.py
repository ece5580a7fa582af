"""Ad breaks as files: VMAP, SCTE 35, or the acts between them as a timeline."""

__all__ = ["export"]
